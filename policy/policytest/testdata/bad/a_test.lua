test.users [[
$DIALECT freeradius
bob Cleartext-Password := "hello"
    Reply-Message = "Hello, bob"
]]
test.case("wrong verdict", function() expect(send{user="bob", password="hello"}):reject() end)
test.case("wrong reason", function() expect(send{user="bob", password="secret-word"}):reject("unknown-user") end)
test.case("wrong value", function() expect(send{user="bob", password="hello"}):has("Reply-Message", "Bye") end)
test.case("value too much", function() expect(send{user="bob", password="hello"}):lacks("Reply-Message") end)
test.case("wrong rule", function() expect(send{user="bob", password="hello"}):rule("users:9") end)
test.case("wrong hook", function() expect(send{user="bob", password="hello"}):hook("broken") end)
test.case("a hook fails", function() expect(send{user="broken", password="x"}):accept() end)
test.case("unknown option", function() send{usr="bob"} end)
test.case("unknown client", function() send{client="vpn-9", user="bob"} end)
test.case("unknown attribute", function() send{user="bob", ["NAS-Prt"]=1} end)
test.case("not equal", function() test.equal({a=1}, {a=2}) end)
test.case("no reply", function() expect({}) end)
test.case("case in case", function() test.case("x", function() end) end)
test.case("answer to nothing", function() send{user="bob", password="hello"}:answer("x") end)
test.case("endless", function() while true do end end)
test.case("network", function() net.try_lookup("radius.example") end)
