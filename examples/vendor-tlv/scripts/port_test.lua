test.case("a map in the request is a map in the reply", function()
  local r = send{user="ann", password="ann", ["Luna-Map"]={slot=2, port=7}}
  expect(r):accept():has("Luna-Map", {slot=2, port=7, vlan=107}):has("Luna-Role", "Guest")
  expect(r):has("Luna-QoS.Down", 2000):has("Luna-QoS.Queue.Name", "best effort"):hook("place")
end)

test.case("the users file reads the codec's form", function()
  expect(send{user="visitor", password="visitor", ["Luna-Map"]={slot=2, port=3}}):accept()
  expect(send{user="visitor", password="visitor", ["Luna-Map"]={slot=2, port=9}}):reject()
end)

test.case("octets that are no map harm nobody", function()
  local r = send{user="ann", password="ann", ["Attr-26.64999.3"]=bytes.from_hex("2324")}
  expect(r):accept():lacks("Luna-Map")
end)
