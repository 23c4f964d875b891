test.each("role and building", {
  {"library", "ann", "110"}, {"library", "bob", "120"}, {"annex", "ann", "210"}, {"lab-1", "ann", "310"},
  {"lab-1", "bob", "999"}, {"annex", "eve", "999"},
}, function(row)
  expect(send{client = row[1], user = row[2], password = "hello"}):accept()
    :has("Tunnel-Type", "VLAN"):has("Tunnel-Medium-Type", "IEEE-802"):has("Tunnel-Private-Group-Id", row[3])
end)

test.case("a refusal has no VLAN", function()
  expect(send{client = "annex", user = "ann", password = "no"}):reject():lacks("Tunnel-Private-Group-Id")
end)
