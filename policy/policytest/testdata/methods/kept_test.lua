test.users [[
$DIALECT freeradius
bob Cleartext-Password := "hello"
]]

local works = {
  clear = {pap=true, chap=true, mschap=true, mschapv2=true},
  bob = {pap=true, chap=true, mschap=true, mschapv2=true},
  nt = {pap=true, mschap=true, mschapv2=true},
  header = {pap=true, mschap=true, mschapv2=true},
  hashed = {pap=true},
  own = {pap=true, chap=true, mschap=true, mschapv2=true},
  nobody = {},
}

local rows = {}
for user, methods in pairs(works) do
  for _, method in ipairs{"pap", "chap", "mschap", "mschapv2"} do
    rows[#rows + 1] = {user=user, method=method, works=methods[method]}
  end
end

test.each("methods", rows, function(row)
  local r = send{user=row.user, password="hello", method=row.method}
  if not row.works then
    expect(r):reject():lacks("MS-MPPE-Send-Key"):lacks("MS-CHAP2-Success"):lacks("MS-CHAP-MPPE-Keys")
    return
  end
  expect(r):accept()
  if row.method == "mschapv2" then
    expect(r):has("MS-CHAP2-Success"):has("MS-MPPE-Send-Key"):has("MS-MPPE-Recv-Key"):has("MS-MPPE-Encryption-Policy")
  elseif row.method == "mschap" then
    expect(r):has("MS-CHAP-MPPE-Keys"):lacks("MS-CHAP2-Success")
  end
  expect(send{user=row.user, password="Hello", method=row.method}):reject():lacks("MS-MPPE-Send-Key")
end)

test.case("failures", function()
  local r = send{user="bob", password="wrong", method="mschapv2"}
  expect(r):reject("password"):has("MS-CHAP-Error")
  test.equal(r["MS-CHAP-Error"]:match("E=(%d+) R=0 C=%x+ V=3 M=.+"), "691")
  test.equal(send{user="nobody", password="x", method="mschap"}["MS-CHAP-Error"]:match("E=(%d+) R=0 C=%x+ V=2"), "691")
  test.raises(function() send{user="bob", password="\255", method="mschap"} end, "password is not UTF-8")
end)

test.case("domains and hashed hooks", function()
  expect(send{user="own", password="hello", method="mschapv2"}):has("Filter-Id", "own")
end)
