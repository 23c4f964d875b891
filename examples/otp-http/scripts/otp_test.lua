local function login()
  return send{client = "vpn-1", user = "ann", password = "hello"}
end

test.case("the right code lets in, with what users says", function()
  local m = mock.http("otp"){["POST /check"] = function(call)
    return {status = 200, json = {ok = call.json.user == "ann" and call.json.code == "123456"}}
  end}
  local r = login()
  expect(r):challenge("code"):message("Code:"):has("State")
  expect(r:answer("123456")):accept():has("Class", "staff")
  expect(login():answer("654321")):reject():message("wrong code")
  test.equal(#m:calls(), 2)
end)

test.case("a wrong password is asked for no code", function()
  expect(send{client = "vpn-1", user = "ann", password = "no"}):reject()
end)

test.each("a service that fails lets nobody in, and the NAS asks elsewhere", {
  mock.fail("timeout"), mock.fail("refused"), mock.fail("breaker"), mock.fail("status: 503"), {status = 500},
}, function(failure)
  mock.http("otp"){["POST /check"] = failure}
  expect(login():answer("123456")):drop()
end)

test.each("nonsense is no yes", {
  {status = 404}, {status = 200, body = "<html>"}, {status = 200, json = {ok = "true"}}, {status = 201, json = {ok = true}},
}, function(nonsense)
  mock.http("otp"){["POST /check"] = nonsense}
  expect(login():answer("123456")):reject()
end)
