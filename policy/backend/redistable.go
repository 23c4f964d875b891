package backend

import (
	"context"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

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
var incrScript = redis.NewScript(`
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
var casScript = redis.NewScript(`
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if ARGV[2] == '' then redis.call('DEL', KEYS[1])
elseif ARGV[3] ~= '0' then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
else redis.call('SET', KEYS[1], ARGV[2]) end
return 1`)

// Remote implements module.KV.
func (t *redisTable) Remote() bool { return true }

// tell makes one call and counts how it ended.
func tell[T any](ctx context.Context, t *redisTable, call func(context.Context, *redis.Client) (T, error)) (T, error) {
	v, err := askRedis(ctx, t.redisPool, call)
	t.calls.count(err)
	return v, err
}

// Get implements module.KV.
func (t *redisTable) Get(ctx context.Context, key string) (string, error) {
	text, err := tell(ctx, t, func(ctx context.Context, c *redis.Client) (*string, error) {
		text, err := c.Get(ctx, t.prefix+key).Result()
		if errors.Is(err, redis.Nil) {
			return nil, nil
		}
		return &text, err
	})
	if err != nil || text == nil {
		return "", err
	}
	return fromRedis(*text)
}

// Set implements module.KV.
func (t *redisTable) Set(ctx context.Context, key, value string, ttl time.Duration) error {
	_, err := tell(ctx, t, func(ctx context.Context, c *redis.Client) (string, error) {
		return c.Set(ctx, t.prefix+key, toRedis(value), max(ttl, 0)).Result()
	})
	return err
}

// Incr implements module.KV.
func (t *redisTable) Incr(ctx context.Context, key string, by float64, ttl time.Duration) (float64, error) {
	text, err := tell(ctx, t, func(ctx context.Context, c *redis.Client) (string, error) {
		return incrScript.Run(ctx, c, []string{t.prefix + key}, digits(by), milliseconds(ttl)).Text()
	})
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(text, 64)
}

// CAS implements module.KV.
func (t *redisTable) CAS(ctx context.Context, key, old, value string, ttl time.Duration) (bool, error) {
	n, err := tell(ctx, t, func(ctx context.Context, c *redis.Client) (int64, error) {
		return casScript.Run(ctx, c, []string{t.prefix + key}, toRedis(old), toRedis(value), milliseconds(ttl)).Int64()
	})
	return n == 1, err
}

// Del implements module.KV.
func (t *redisTable) Del(ctx context.Context, key string) (bool, error) {
	n, err := tell(ctx, t, func(ctx context.Context, c *redis.Client) (int64, error) { return c.Del(ctx, t.prefix+key).Result() })
	return n == 1, err
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
