"""A status page as a feed: RSS 2.0 and Atom (RFC 4287)."""

from datetime import datetime
from email.utils import format_datetime
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, SubElement, register_namespace, tostring

from rules.status_shapes import StatusIncidentDocument, StatusPageDocument

RSS_TYPE = "application/rss+xml"
ATOM_TYPE = "application/atom+xml"
_ATOM = "http://www.w3.org/2005/Atom"
_MINUTES_KEPT = "5"

register_namespace("atom", _ATOM)


def rss(document: StatusPageDocument, address: str) -> bytes:
    """The incidents as RSS 2.0; `address` is where this feed itself is."""
    top = Element("rss", version="2.0")
    channel = SubElement(top, "channel")
    _add(channel, "title", document.page.name)
    _add(channel, "link", document.page.url)
    _add(channel, "description", document.status.description)
    _add(channel, "lastBuildDate", _rfc822(document.page.updated_at))
    _add(channel, "ttl", _MINUTES_KEPT)
    SubElement(channel, f"{{{_ATOM}}}link", href=address, rel="self", type=RSS_TYPE)
    for incident in document.incidents:
        item = SubElement(channel, "item")
        _add(item, "title", _title(incident))
        _add(item, "link", document.page.url)
        _add(item, "description", _body(incident))
        _add(item, "guid", _id(address, incident), isPermaLink="false")
        _add(item, "pubDate", _rfc822(incident.created_at))
    return _written(top)


def atom(document: StatusPageDocument, address: str) -> bytes:
    """The incidents as Atom; `address` is where this feed itself is."""
    top = Element("feed", xmlns=_ATOM)
    _add(top, "id", _tag(address, document.page.id))
    _add(top, "title", document.page.name)
    _add(top, "subtitle", document.status.description)
    _add(top, "updated", document.page.updated_at)
    _add(SubElement(top, "author"), "name", "incidentd")
    SubElement(top, "link", rel="self", type=ATOM_TYPE, href=address)
    SubElement(top, "link", rel="alternate", type="application/json", href=document.page.url)
    for incident in document.incidents:
        entry = SubElement(top, "entry")
        _add(entry, "id", _id(address, incident))
        _add(entry, "title", _title(incident))
        _add(entry, "published", incident.created_at)
        _add(entry, "updated", incident.updated_at)
        SubElement(entry, "link", rel="alternate", type="application/json", href=document.page.url)
        _add(entry, "content", _body(incident), type="text")
    return _written(top)


def _add(parent: Element, name: str, text: str, **attributes: str) -> None:
    SubElement(parent, name, attributes).text = text


def _written(top: Element) -> bytes:
    made: bytes = tostring(top, encoding="utf-8", xml_declaration=True)
    return made


def _title(incident: StatusIncidentDocument) -> str:
    return f"Resolved: {incident.name}" if incident.status == "resolved" else incident.name


def _body(incident: StatusIncidentDocument) -> str:
    """Everything said, the newest first."""
    return "\n".join(f"{u.created_at[:16].replace('T', ' ')} UTC: {u.body}" for u in incident.incident_updates)


def _id(address: str, incident: StatusIncidentDocument) -> str:
    # With the moment, since the numbers of another database begin anew.
    return _tag(address, f"{incident.id}/{incident.created_at}")


def _tag(address: str, name: str) -> str:
    """A name that stays the same wherever the feed is read (RFC 4151)."""
    return f"tag:{urlsplit(address).hostname or 'localhost'},2026:incidentd/{name}"


def _rfc822(at: str) -> str:
    return format_datetime(datetime.fromisoformat(at), usegmt=True)
