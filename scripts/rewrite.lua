-- rewrite: functions that the users file calls by name.
--
--   Rewrite-Function = "name"            calls it once the rule has matched, before the reply is put together
--   Session-Timeout = "=name(req)"       takes its result as the value, once the password was found good
--
-- They take the place of the Rewrite language of GNU Radius.

-- Cisco and others send numbers such as "Async3/12" in NAS-Port-Id where the port belongs: slot and port
-- become one number, as older rules expect it. Note the `tonumber`: a match gives text.
rewrite("port_from_name", function(req)
  local slot, port = (req["NAS-Port-Id"] or ""):match("(%d+)/(%d+)$")
  if slot then
    req["NAS-Port"] = tonumber(slot) * 64 + tonumber(port)
  end
end)

-- The seconds until a full hour, so that all sessions end in a quiet moment. For a users file:
--   Session-Timeout = "=until_full_hour(req)"
rewrite("until_full_hour", function(req)
  return 3600 - req.now % 3600
end)
