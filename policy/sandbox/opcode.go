package sandbox

import lua "github.com/yuin/gopher-lua"

// opShift is where gopher-lua keeps the operation in an instruction.
const opShift = 26

// patchIndexing replaces GETTABLEKS and SETTABLEKS by GETTABLE and SETTABLE. The operands are the same, but the
// first two box their constant key anew at each run when the object has a function as __index or __newindex,
// which is how every attribute is read.
func patchIndexing(p *lua.FunctionProto) {
	for i, inst := range p.Code {
		switch int(inst >> opShift) {
		case lua.OP_GETTABLEKS:
			p.Code[i] = setOperation(inst, lua.OP_GETTABLE)
		case lua.OP_SETTABLEKS:
			p.Code[i] = setOperation(inst, lua.OP_SETTABLE)
		}
	}
	for _, inner := range p.FunctionPrototypes {
		patchIndexing(inner)
	}
}

func setOperation(inst uint32, op int) uint32 {
	return inst&(1<<opShift-1) | uint32(op)<<opShift
}
