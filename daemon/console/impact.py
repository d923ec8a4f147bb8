"""The pictures of incidents on pages: from the record to what is drawn."""

from collections.abc import Mapping

from cmdb.graph import Estate
from cmdb.layout import Layout, lay_out
from cmdb.model import State
from cmdb.picture import Picture, picture_of
from daemon.api.ports import Ports
from notifiers.drawing.sketch import Scene, Sketch, sketch_of
from rules.incident import Incident

_REMEMBERED = 64


class Drawings:
    """Makes pictures of incidents; remembers those that cost something while the estate stays as it is."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._estate: Estate | None = None
        self._known: dict[object, tuple[Picture, Layout]] = {}

    def sketch(
        self, incident: Incident, alerting: Mapping[str, int], *, root: str | None, is_replay: bool = False
    ) -> Sketch | None:
        """What the incident's failure reaches; None where its root is not in the CMDB.

        `alerting` has the number of alerts that fire on each CI. In a replay `root` is what was thought to be the root
        at that moment, and what did not alert by then is drawn as quiet.
        """
        estate = self._ports.estate()
        if incident.root.ci is None or incident.root.ci not in estate:
            return None
        picture, layout = self._drawn(estate, incident)
        scene = Scene(estate=estate, alerting=alerting, root=root, is_replay=is_replay)
        return sketch_of(picture, layout, scene, f"What {incident.root.ci} hits")

    def _drawn(self, estate: Estate, incident: Incident) -> tuple[Picture, Layout]:
        failed = dict.fromkeys(incident.root.beside, State.DOWN)
        failed[incident.root.ci or ""] = incident.state
        services = {s.ci: s.state for s in incident.services}
        if estate is not self._estate or len(self._known) >= _REMEMBERED:
            self._estate, self._known = estate, {}
        key = frozenset(failed.items()), frozenset(services.items())
        known = self._known.get(key)
        if known is None:
            picture = picture_of(estate, failed, services)
            known = self._known[key] = picture, lay_out(picture)
        return known
