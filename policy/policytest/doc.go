// Package policytest runs a policy's own tests, scripts/*_test.lua: each case with fresh states, a clock that
// stands at Monday 2024-01-01 12:00 until it is moved, and requests that take the whole native way of the
// generation under test. It opens no socket and waits for nothing, so that the same scripts give the same
// answer each time: these tests gate a reload.
package policytest
