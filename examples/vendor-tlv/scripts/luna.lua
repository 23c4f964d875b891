-- Attributes of a vendor that no dictionary has: they work the moment this file is saved, in scripts, in the users
-- file, in `perilune send`, `explain` and `trace`.
vendor{name="Luna", id=64999}

attribute{vendor="Luna", name="Luna-Role", id=1, type="integer", values={Guest=1, Staff=2, Admin=9}}

-- A TLV: fields in it, in two levels.
attribute{vendor="Luna", name="Luna-QoS", id=2, type="tlv", fields={
  {id=1, name="Down", type="integer"},
  {id=2, name="Up", type="integer"},
  {id=3, name="Queue", type="tlv", fields={{id=1, name="Name", type="string"}, {id=2, name="Weight", type="byte"}}},
}}

-- A form that no type has: four bits of slot, four bits of port, then a VLAN of two octets if there is one.
attribute{vendor="Luna", name="Luna-Map", id=3, type="octets", codec={
  decode = function(octets)
    local place, vlan = octets:byte(1), nil
    if #octets == 3 then
      vlan = bytes.unpack(">I2", octets, 2)
    elseif #octets ~= 1 then
      error("1 or 3 octets are a map, these are " .. #octets)
    end
    return {slot = math.floor(place / 16), port = place % 16, vlan = vlan}
  end,
  encode = function(map)
    if map.slot > 15 or map.port > 15 then
      error("slot and port are numbers up to 15")
    end
    local place = string.char(map.slot * 16 + map.port)
    return map.vlan and place .. bytes.pack(">I2", map.vlan) or place
  end,
  examples = {
    {hex="23", value={slot=2, port=3}},
    {hex="23 0014", value={slot=2, port=3, vlan=20}},
  },
}}
