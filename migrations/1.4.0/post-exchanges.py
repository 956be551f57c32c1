def migrate(cr, version):
    """ Link the requests to their answers, so that both are shown as one row.

    A payment is asked about by one request at a time, so the next answer about it is that.
    """
    cr.execute("""
        UPDATE payment_aps_message request
           SET answer_id = (
                SELECT answer.id FROM payment_aps_message answer
                 WHERE answer.merchant_reference = request.merchant_reference
                   AND answer.channel = 'answer'
                   AND answer.command = request.command
                   AND answer.id > request.id
              ORDER BY answer.id LIMIT 1
           )
         WHERE request.channel = 'request'
           AND request.state = 'answered'
           AND request.answer_id IS NULL
    """)
