package backend

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"perilune/policy/module"
)

// A redisTable is a table of keys in a Redis or Valkey. A number is kept there as its digits, all else as the octets of
// plain data, which begin with no character of a number.
type redisTable struct {
	*redisPool
	prefix string
	calls  *calls
}

// What scripts of ours fail with.
const (
	scriptNoNumber = "PERILUNE no number"
	scriptTooLarge = "PERILUNE too large"
)

// incrScript adds and keeps the life of what is there. Numbers are doubles here as there, with all their digits.
var incrScript = newScript(`
local have = redis.call('GET', KEYS[1])
local n = tonumber(have or '0')
if not n then return redis.error_reply('` + scriptNoNumber + `') end
n = n + tonumber(ARGV[1])
if n ~= n or n == 1/0 or n == -1/0 then return redis.error_reply('` + scriptTooLarge + `') end
local text = string.format('%.17g', n)
if have then redis.call('SET', KEYS[1], text, 'KEEPTTL')
elseif ARGV[2] ~= '0' then redis.call('SET', KEYS[1], text, 'PX', ARGV[2])
else redis.call('SET', KEYS[1], text) end
return text`)

// casScript compares and sets. An empty text is no value.
var casScript = newScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
elseif ARGV[3] ~= '0' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
else redis.call('SET', KEYS[1], ARGV[2]) end
return 1`)

// Remote implements module.KV.
func (t *redisTable) Remote() bool { return true }

// tell makes one call and counts how it ended.
func (t *redisTable) tell(ctx context.Context, call func(context.Context, *respConn) (respReply, error)) (reply respReply, err error) {
	err = t.ask(ctx, func(ctx context.Context, c *respConn) (err error) {
		reply, err = call(ctx, c)
		return err
	})
	t.calls.count(err)
	return reply, err
}

// Get implements module.KV.
func (t *redisTable) Get(ctx context.Context, key string) (string, error) {
	reply, err := t.tell(ctx, func(ctx context.Context, c *respConn) (respReply, error) {
		return c.do(ctx, "GET", t.prefix+key)
	})
	if err != nil || reply.none {
		return "", err
	}
	return fromRedis(reply.text)
}

// Set implements module.KV.
func (t *redisTable) Set(ctx context.Context, key, value string, ttl time.Duration) error {
	call := []string{"SET", t.prefix + key, toRedis(value)}
	if ttl > 0 {
		call = append(call, "PX", milliseconds(ttl))
	}
	_, err := t.tell(ctx, func(ctx context.Context, c *respConn) (respReply, error) { return c.do(ctx, call...) })
	return err
}

// Incr implements module.KV.
func (t *redisTable) Incr(ctx context.Context, key string, by float64, ttl time.Duration) (float64, error) {
	reply, err := t.tell(ctx, func(ctx context.Context, c *respConn) (respReply, error) {
		return incrScript.run(ctx, c, t.prefix+key, digits(by), milliseconds(ttl))
	})
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(reply.text, 64)
}

// CAS implements module.KV.
func (t *redisTable) CAS(ctx context.Context, key, old, value string, ttl time.Duration) (bool, error) {
	reply, err := t.tell(ctx, func(ctx context.Context, c *respConn) (respReply, error) {
		return casScript.run(ctx, c, t.prefix+key, toRedis(old), toRedis(value), milliseconds(ttl))
	})
	return reply.number == 1, err
}

// Del implements module.KV.
func (t *redisTable) Del(ctx context.Context, key string) (bool, error) {
	reply, err := t.tell(ctx, func(ctx context.Context, c *respConn) (respReply, error) {
		return c.do(ctx, "DEL", t.prefix+key)
	})
	return reply.number == 1, err
}

// milliseconds gives a life as Redis counts it, at least one; "0" for a value that stays.
func milliseconds(ttl time.Duration) string {
	if ttl <= 0 {
		return "0"
	}
	return strconv.FormatInt(max(ttl.Milliseconds(), 1), 10)
}

// digits writes a number as C does with %.17g, so that equal numbers are equal texts.
func digits(n float64) string { return strconv.FormatFloat(n, 'g', 17, 64) }

// toRedis gives the text behind plain data.
func toRedis(value string) string {
	if n, ok := module.DecodeNumber(value); ok && !math.IsNaN(n) && !math.IsInf(n, 0) {
		return digits(n)
	}
	return value
}

var errAlien = &module.Failure{Kind: "refused", Err: errors.New("the value was not written by a Perilune")}

// fromRedis gives the plain data behind a text.
func fromRedis(text string) (string, error) {
	if text == "" || len(text) > module.MaxKVValue {
		return "", errAlien
	}
	if text[0] < ' ' { // a tag of plain data
		return text, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return "", errAlien
	}
	return module.EncodeNumber(n), nil
}
