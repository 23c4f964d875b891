-- Where a request comes from, for raddb/users: FreeRADIUS's Client-IP-Address.

huntgroup("source 192.0.2.9", function(req) return req.src == "192.0.2.9" end)
