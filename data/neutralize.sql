-- forget the merchant accounts and the local sandbox, so that a copied database can take no money
UPDATE payment_provider
   SET aps_merchant_identifier = NULL,
       aps_access_code = NULL,
       aps_sha_request = NULL,
       aps_sha_response = NULL;
DELETE FROM ir_config_parameter WHERE key = 'payment_aps.sandbox_url';
