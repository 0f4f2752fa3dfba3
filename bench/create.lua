-- A new mechanism with each request.
local number = 0
request = function()
  number = number + 1
  local body = string.format(
    '{"title":"bench %d","description":"d","categories":["gears"],"file_url":"https://media.example/%d.mp4","thumbnail_url":"https://media.example/%d.webp","duration":2.4}',
    number, number, number)
  return wrk.format("POST", nil, nil, body)
end
