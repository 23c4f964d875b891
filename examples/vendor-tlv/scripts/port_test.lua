test.case("a map in the request is a map in the reply", function()
  local r = send{user="ann", password="ann", ["Acme-Map"]={slot=2, port=7}}
  expect(r):accept():has("Acme-Map", {slot=2, port=7, vlan=107}):has("Acme-Role", "Guest")
  expect(r):has("Acme-QoS.Down", 2000):has("Acme-QoS.Queue.Name", "best effort"):hook("place")
end)

test.case("the users file reads the codec's form", function()
  expect(send{user="visitor", password="visitor", ["Acme-Map"]={slot=2, port=3}}):accept()
  expect(send{user="visitor", password="visitor", ["Acme-Map"]={slot=2, port=9}}):reject()
end)

test.case("octets that are no map harm nobody", function()
  local r = send{user="ann", password="ann", ["Attr-26.64999.3"]=bytes.from_hex("2324")}
  expect(r):accept():lacks("Acme-Map")
end)
