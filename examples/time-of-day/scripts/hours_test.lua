local function login(user, at)
  clock.set(at)
  return send{client = "ap-1", user = user, password = "hello"}
end

test.case("Login-Time refuses, and ends the session", function()
  expect(login("ann", "2024-01-08T16:00:00Z")):accept():has("Session-Timeout", 3600) -- 17:00 in Berlin
  expect(login("ann", "2024-01-08T17:30:00Z")):reject("login-time")
  expect(login("ann", "2024-01-06T12:00:00Z")):reject("login-time") -- Saturday
end)

test.case("lessons", function()
  expect(login("bob", "2024-01-08T12:00:00Z")):accept():has("Session-Timeout", 1800):lacks("Filter-Id")
  expect(login("bob", "2024-01-08T12:30:00Z")):accept():has("Filter-Id", "slow")
  expect(login("bob", "2024-07-08T11:30:00Z")):accept():has("Filter-Id", "slow") -- summer time
end)

test.case("closing days", function()
  expect(login("bob", "2024-12-24T09:00:00Z")):reject("closed"):message("closed today")
end)
