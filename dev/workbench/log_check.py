""" What must not be in a log of Odoo: secrets, personal data, and crashes of the addon. """

import re

from .sandbox_process import CREDENTIALS

E_MAIL = re.compile(r'[A-Za-z0-9._+-]+@[A-Za-z0-9-]+\.[a-z]{2,}')
CARD = r'\b\d{6}\*{6}\d{4}\b|(?<![\w-])(?:3[47]\d{13}|[45]\d{15})(?![\w-])'
# Credentials of the shop and of the addon's tests; signatures; and the token that the tests use.
SECRETS = re.compile('|'.join([
    *(re.escape(value) for name, value in CREDENTIALS.items()
      if name not in ('aps_sha_type', 'aps_merchant_identifier')),
    re.escape("test request & phrase$1"), re.escape("test response <phrase>&2"),
    'TestAccessCode987', 'TokenToKeepSecret1',
    r'(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{128})(?![0-9a-f])',
    CARD,
]), re.IGNORECASE)
# Odoo names its asset bundles and attachments by hashes, and logs the recipients of e-mails.
HARMLESS = re.compile(
    r'assets|filestore|"GET /(?!payment/aps)|odoo\.addons\.(?:mail|base)\b|smtp', re.IGNORECASE
)
# Odoo logs the values of its own queries that meet a conflict, or no database.
QUERY = re.compile(r' odoo\.sql_db: bad query: ')
CRASH = re.compile(r' (?:ERROR|CRITICAL) \S+ odoo\.addons\.payment_aps\.(?!tests)')
# What the references of payments begin with that a test stops on purpose.
PROVOKED = 'PROVOKED'


def check_log(text):
    """ Return the lines of a log that must not be there.

    :param str text: The log.
    :return: What is wrong, one sentence a line.
    :rtype: list[str]
    """
    findings = []
    for line in text.splitlines():
        secret = SECRETS.search(line) or (not QUERY.search(line) and E_MAIL.search(line))
        if secret and not HARMLESS.search(line):
            hidden = line.replace(secret[0], '<secret>')
            findings.append(f"The log reveals something: {hidden[:300]}")
        elif CRASH.search(line) and PROVOKED not in line:
            findings.append(f"The addon logged an error: {line[:300]}")
    return findings
