-- Staff gets more than guests do, and who asks from slot 2 stays on its port's VLAN.
on("reply", {name="speed", when={verdict="accept"}}, function(req)
  local fast = req.reply["Luna-Role"] ~= "Guest"
  req.reply["Luna-QoS.Down"] = fast and 100000 or 2000
  req.reply["Luna-QoS.Queue.Name"] = fast and "gold" or "best effort"
end)

on("reply", {name="place", when={verdict="accept", ["Luna-Map"]=true}}, function(req)
  local map = req["Luna-Map"] -- a table, or nil if the octets are no map
  if map and map.slot == 2 then
    req.reply["Luna-Map"] = {slot=map.slot, port=map.port, vlan=100 + map.port}
  end
end)
