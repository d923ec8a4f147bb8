"""The console, put together."""

from fastapi import APIRouter, FastAPI

from daemon.api.ports import Ports
from daemon.console.account import account_routes
from daemon.console.admin import admin_routes
from daemon.console.assets import Assets
from daemon.console.board import board_routes
from daemon.console.bulk import bulk_page_routes
from daemon.console.duty import duty_routes
from daemon.console.estate import estate_routes
from daemon.console.events import events_routes
from daemon.console.health import health_of
from daemon.console.incident import incident_routes
from daemon.console.live import live_routes
from daemon.console.login import login_routes
from daemon.console.outgoing import outgoing_routes
from daemon.console.overview import overview_routes
from daemon.console.pages import Pages
from daemon.console.people import people_routes
from daemon.console.portal import portal_routes
from daemon.console.records import record_page_routes
from daemon.console.reports import report_pages
from daemon.console.services import service_routes
from daemon.console.sign_on import sign_on_routes
from daemon.console.upkeep import upkeep_routes
from daemon.console.visitor import add_page_handlers, visit


def console_routes(ports: Ports, app: FastAPI) -> tuple[APIRouter, ...]:
    """Every page, and what pages need; the handlers for refusals are added to `app`."""
    assets = Assets()
    pages = Pages(ports, assets, lambda: health_of(ports))
    add_page_handlers(app, pages)
    return (
        assets.routes(),
        login_routes(ports, pages, visit(ports, "account")),
        sign_on_routes(ports, pages),
        live_routes(ports.news, visit(ports, by_service=True)),
        board_routes(ports, pages),
        *incident_routes(ports, pages),
        bulk_page_routes(ports, pages),
        events_routes(ports, pages),
        record_page_routes(ports, pages),
        estate_routes(ports, pages),
        service_routes(ports, pages),
        portal_routes(ports, pages),
        overview_routes(ports, pages),
        report_pages(ports, pages),
        account_routes(ports, pages),
        admin_routes(ports, pages),
        upkeep_routes(ports, pages),
        duty_routes(ports, pages),
        outgoing_routes(ports, pages),
        people_routes(ports, pages),
    )
