def migrate(cr, version):
    """ Take cards that were imported for those of the merchant account that their provider has, as
    those that are imported from now on.
    """
    cr.execute("""
        UPDATE payment_token token
           SET aps_merchant_identifier = provider.aps_merchant_identifier
          FROM payment_provider provider
         WHERE provider.id = token.provider_id
           AND provider.code = 'aps'
           AND token.aps_merchant_identifier IS NULL
    """)
