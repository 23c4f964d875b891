package sandbox

import (
	"runtime"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Prices in steps: a coroutine has a stack and a registry of its own.
const (
	newCoroutine = 1_000
	yielding     = 20
)

// coroutineFunctions wraps gopher-lua's library: a new thread gets the budget of its state, and what ends the
// run is not given to resume's caller as false and a message.
func coroutineFunctions() map[string]lua.LGFunction {
	stock := stockCoroutines()
	create := func(l *lua.LState) int { return coroutineCreate(l, stock["create"]) }
	return map[string]lua.LGFunction{
		"create": create,
		"resume": func(l *lua.LState) int { return coroutineResume(l, stock["resume"]) },
		"wrap": func(l *lua.LState) int {
			create(l)
			thread := l.Get(-1)
			l.Push(l.NewClosure(func(l *lua.LState) int { return coroutineWrapped(l, thread, stock["resume"]) }))
			return 1
		},
		"yield":   func(l *lua.LState) int { return coroutineYield(l, stock["yield"]) },
		"running": coroutineRunning,
		"status":  coroutineStatus,
	}
}

// stockCoroutines takes the functions out of a throw-away state.
func stockCoroutines() map[string]lua.LGFunction {
	l := lua.NewState(lua.Options{SkipOpenLibs: true, CallStackSize: 8, RegistrySize: 256})
	defer l.Close()
	lua.OpenCoroutine(l)
	functions := map[string]lua.LGFunction{}
	l.Get(-1).(*lua.LTable).ForEach(func(k, v lua.LValue) {
		functions[k.String()] = v.(*lua.LFunction).GFunction
	})
	return functions
}

func coroutineCreate(l *lua.LState, stock lua.LGFunction) int {
	s := Of(l)
	if CheckFunction(l, 1).IsG {
		RaiseMisuse(l, "argument 1 is a function of the API, expected one of the script")
	}
	if s.threads++; s.threads > s.limits.Coroutines {
		RaiseMisuse(l, "more than %d coroutines in one run", s.limits.Coroutines)
	}
	Charge(l, newCoroutine)
	n := stock(l)
	l.Get(-1).(*lua.LState).SetContext(&s.budget)
	return n
}

func coroutineResume(l *lua.LState, stock lua.LGFunction) int {
	if state := status(l, checkCoroutine(l)); state != "suspended" {
		if state != "dead" {
			state = "non-suspended"
		}
		l.Push(lua.LFalse)
		l.Push(lua.LString("cannot resume " + state + " coroutine"))
		return 2
	}
	n := stock(l)
	l.G.CurrentThread = l
	if Of(l).budget.kind != 0 {
		stopped(l)
	}
	return n
}

func checkCoroutine(l *lua.LState) *lua.LState {
	thread, ok := l.Get(1).(*lua.LState)
	if !ok {
		ArgError(l, 1, "coroutine")
	}
	return thread
}

// status tells what a coroutine does as l sees it. One that waits for another it has resumed is normal;
// gopher-lua would resume it again, without end.
func status(l, thread *lua.LState) string {
	if thread == l {
		return "running"
	}
	for above := l.Parent; above != nil; above = above.Parent {
		if above == thread {
			return "normal"
		}
	}
	if thread.Dead {
		return "dead"
	}
	return "suspended"
}

func coroutineStatus(l *lua.LState) int {
	l.Push(lua.LString(status(l, checkCoroutine(l))))
	return 1
}

func coroutineRunning(l *lua.LState) int {
	if l.Parent == nil {
		l.Push(lua.LNil)
	} else {
		l.Push(l)
	}
	return 1
}

// coroutineWrapped is resume that raises instead of giving false.
func coroutineWrapped(l *lua.LState, thread lua.LValue, stock lua.LGFunction) int {
	l.Insert(thread, 1)
	n := coroutineResume(l, stock)
	if l.Get(-n) != lua.LTrue {
		l.Error(l.Get(-1), 0)
	}
	return n - 1
}

func coroutineYield(l *lua.LState, stock lua.LGFunction) int {
	Charge(l, yielding)
	if l.Parent == nil {
		l.RaiseError("attempt to yield from outside a coroutine")
	}
	if !directly() {
		l.RaiseError("attempt to yield across pcall, a metamethod or a callback")
	}
	return stock(l)
}

// directly reports whether the interpreter loop that runs yield is the coroutine's first. gopher-lua cannot
// leave a nested one, as below pcall or a metamethod, and shows its nesting on the Go stack only.
func directly() bool {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		frame, more := frames.Next()
		if strings.HasSuffix(frame.Function, ".mainLoopWithContext") {
			caller, _ := frames.Next()
			return strings.HasSuffix(caller.Function, ".threadRun")
		}
		if !more {
			return false
		}
	}
}
