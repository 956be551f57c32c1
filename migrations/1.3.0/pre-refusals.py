from odoo.tools.sql import table_exists

# What the findings of version 1.2.1 are now. The others are still the same.
FINDINGS = {
    'signature': [
        'sha_type', 'sha_128', 'request_phrase', 'phrase_space', 'without_phrase', 'no_phrase',
        'no_signature',
    ],
    'changed': ['value_space', 'extra_fields'],
    'account': ['other_provider', 'other_merchant'],
    'reference': ['reference_authentic'],
    'unreadable': ['format', 'repeated', 'empty'],
    'too_many': ['unexamined'],
}


def migrate(cr, version):
    """ Merge the refused messages whose findings are one from now on. """
    if not table_exists(cr, 'payment_aps_refusal'):
        return
    cr.execute("""
        CREATE TEMPORARY TABLE aps_finding (former varchar, finding varchar) ON COMMIT DROP
    """)
    for finding, former_findings in FINDINGS.items():
        for former in former_findings:
            cr.execute("INSERT INTO aps_finding VALUES (%s, %s)", [former, finding])
    cr.execute("""
        WITH former AS (
            DELETE FROM payment_aps_refusal RETURNING *
        ), mapped AS (
            SELECT former.*, COALESCE(aps_finding.finding, former.finding) AS new_finding
              FROM former
         LEFT JOIN aps_finding ON aps_finding.former = former.finding
        )
        INSERT INTO payment_aps_refusal
                    (provider_id, finding, detail, count, first_date, last_date, messages)
             SELECT provider_id,
                    new_finding,
                    (array_agg(detail ORDER BY last_date DESC)
                        FILTER (WHERE detail IS NOT NULL))[1],
                    LEAST(SUM(count), 2147483647),
                    MIN(first_date),
                    MAX(last_date),
                    -- Each line begins with its time.
                    array_to_string((ARRAY(
                        SELECT line
                          FROM regexp_split_to_table(string_agg(messages, E'\\n'), E'\\n') AS line
                         WHERE line != ''
                      ORDER BY line DESC
                         LIMIT 5
                    )), E'\\n')
               FROM (
                    SELECT provider_id, new_finding, count, first_date, last_date, messages,
                           CASE WHEN new_finding IN ('changed', 'account') THEN detail END AS detail
                      FROM mapped
               ) AS row
           GROUP BY provider_id, new_finding
    """)
