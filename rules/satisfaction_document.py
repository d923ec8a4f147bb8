"""Whom to turn to and how content people are, in the shape in which they leave the daemon."""

from collections.abc import Sequence
from datetime import datetime

from rules.document import rfc3339
from rules.incident import incident_key
from rules.record_shapes import ContactDocument, FiguresDocument, RatingDocument
from rules.report import Contact
from rules.satisfaction import Rating, figures


def contact_document(contact: Contact) -> ContactDocument:
    """Whom to turn to."""
    return ContactDocument(name=contact.name, organisation=contact.organisation, mail=contact.mail, phone=contact.phone)


def rating_document(rating: Rating) -> RatingDocument:
    """One answer, without the key of its link."""
    return RatingDocument(
        incident=incident_key(rating.incident),
        by=rating.by,
        score=rating.score,
        remark=rating.remark,
        at=rfc3339(rating.at),
    )


def figures_document(ratings: Sequence[Rating], since: datetime, latest: int) -> FiguresDocument:
    """What the answers (the newest first) say together, and the newest of them."""
    found = figures(ratings)
    return FiguresDocument(
        since=rfc3339(since),
        answers=found.answers,
        mean=found.mean,
        content_share=found.content_share,
        scores={str(score): count for score, count in found.scores},
        latest=tuple(map(rating_document, ratings[:latest])),
    )
