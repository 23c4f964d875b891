-- hints: the first look at every request.
--
-- Converted from the file hints of GNU Radius. The first rule that fits does its work and ends the search,
-- unless the old one had Fall-Through = Yes. Above each rule stand the lines that it was made of.

-- A Framed-Protocol that comes alone means a framed service.
on("hints", {name = "service-type", when = {["Framed-Protocol"] = true, ["Service-Type"] = false}}, function(req)
  req["Service-Type"] = "Framed-User"
end)

on("hints", {name = "hints"}, function(req)
  -- hints:1
  -- DEFAULT Prefix
  --         Hint = "x"
  -- Left out: syntax error at line 2: found "Hint" after Prefix where one of = != < > <= >= should stand.

  -- hints:3
  -- DEFAULT No-Such = 1
  --         Hint = "y", Auth-Type = "z"
  -- No-Such left out: the old dictionary has no attribute "No-Such".
  -- Auth-Type left out: Auth-Type has no value "z".
  req:add("Hint", "y")

  -- hints:5
  --   
  -- Left out: syntax error at line 5: found "\x01" where a name should stand.
end)
