"""Collect all messages of the sources, update the catalogues, and compile them.

python -m stages messages

Messages that are new stand in `stages/languages/*/LC_MESSAGES/*.po` without a translation, or with
the mark `fuzzy` where an older message was much like them. Translate them there, take the mark
off, and run the command again.
"""

from stages.command import argument_parser, guarded, say
from stages.gan.common.errors import UserError
from stages.gan.common.language import ENGLISH, LANGUAGES, _


def main() -> None:
    """Run the command."""
    argument_parser().parse_args()
    try:
        from stages.tools.upkeep.messages import catalogues, faults
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "babel":
            raise
        raise UserError(_("Babel is missing: it comes with the extra `tests`")) from None
    wrong = faults.of_calls(catalogues.sources())
    for language in LANGUAGES:
        if language == ENGLISH:
            continue
        for domain, messages in catalogues.extracted().items():
            catalogue = catalogues.update(language, domain, messages)
            wrong += faults.of_catalogue(catalogue)
            say(f"{catalogues.file(language, domain)}: {len(catalogue)} messages")
    for fault in wrong:
        say(fault)
    if wrong:
        raise UserError(
            _("{count} messages need a translator, or another form").format(count=len(wrong))
        )


if __name__ == "__main__":
    guarded(main)
