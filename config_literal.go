package tlo

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/convert"
	ctyjson "github.com/zclconf/go-cty/cty/json"
)

// literal returns the value of an expression that is written out. There is
// nothing to compute with: the file says what it says.
func (d *decoder) literal(name string, expr hclsyntax.Expression) (cty.Value, bool) {
	if at, bad := notLiteral(expr); bad != nil {
		d.add(d.at(at), bad.hint, "%s: %s", name, bad.message)
		return cty.NilVal, false
	}
	value, diags := expr.Value(nil)
	for _, diag := range diags {
		d.add(d.diagPosition(diag), lower(diag.Detail), "%s: %s", name, lower(diag.Summary))
	}
	return value, !diags.HasErrors() && value.IsWhollyKnown()
}

// notLiteral returns the first part of an expression that is no plain value.
func notLiteral(expr hclsyntax.Expression) (hcl.Range, *valueError) {
	switch e := expr.(type) {
	case *hclsyntax.LiteralValueExpr:
		if !moderate(e.Val) {
			return e.Range(), &valueError{"the number is out of range", "write a number that a computer can count to"}
		}
		return hcl.Range{}, nil
	case *hclsyntax.TemplateExpr:
		return firstNotLiteral(e.Parts)
	case *hclsyntax.TupleConsExpr:
		return firstNotLiteral(e.Exprs)
	case *hclsyntax.ObjectConsExpr:
		for _, item := range e.Items {
			if at, bad := notLiteral(item.KeyExpr); bad != nil {
				return at, bad
			}
			if at, bad := notLiteral(item.ValueExpr); bad != nil {
				return at, bad
			}
		}
		return hcl.Range{}, nil
	case *hclsyntax.ObjectConsKeyExpr:
		if hcl.ExprAsKeyword(e.Wrapped) != "" && !e.ForceNonLiteral {
			return hcl.Range{}, nil
		}
		return notLiteral(e.Wrapped)
	case *hclsyntax.UnaryOpExpr:
		if number, ok := e.Val.(*hclsyntax.LiteralValueExpr); ok && e.Op == hclsyntax.OpNegate && number.Val.Type() == cty.Number {
			return notLiteral(number)
		}
	case *hclsyntax.ScopeTraversalExpr:
		hint := "write a plain value"
		if word := hcl.ExprAsKeyword(e); word != "" {
			hint = fmt.Sprintf("write it in quotes: %q", word)
		}
		return e.Range(), &valueError{"there are no variables", hint}
	case *hclsyntax.FunctionCallExpr:
		return e.Range(), &valueError{"there are no functions", "write a plain value"}
	case *hclsyntax.TemplateWrapExpr:
		return e.Range(), &valueError{"there is nothing to insert with ${ }", "write a plain value; a literal ${ is written $${"}
	}
	return expr.Range(), &valueError{"not a plain value", "write a text in quotes, a number, true, false, a list or a map"}
}

func firstNotLiteral(exprs []hclsyntax.Expression) (hcl.Range, *valueError) {
	for _, e := range exprs {
		if at, bad := notLiteral(e); bad != nil {
			return at, bad
		}
	}
	return hcl.Range{}, nil
}

// moderate reports whether a number, if it is one, is within the exponents of
// a float64: 1e99999999 would be written out digit by digit.
func moderate(v cty.Value) bool {
	if v.IsNull() || v.Type() != cty.Number {
		return true
	}
	exponent := v.AsBigFloat().MantExp(nil)
	return -1024 < exponent && exponent <= 1024
}

// assign gives the setting its value.
func (s setting) assign(v cty.Value) error {
	wrong := &valueError{describe(v) + " does not fit", "write " + s.wants}
	switch {
	case s.raw != nil:
		b, err := rawInput(v)
		if err != nil {
			return wrong
		}
		s.raw(b)
		return nil
	case s.flag != nil:
		if v.Type() != cty.Bool {
			return wrong
		}
		s.flag(v.True())
		return nil
	case s.list != nil:
		if !v.Type().IsTupleType() {
			return wrong
		}
		list := make([]string, 0, v.LengthInt())
		for _, e := range v.AsValueSlice() {
			text, ok := asText(e)
			if !ok {
				return &valueError{describe(e) + " does not fit within the list", "write " + s.wants}
			}
			list = append(list, text)
		}
		return s.list(list)
	case s.dict != nil:
		if !v.Type().IsObjectType() {
			return wrong
		}
		dict := make(map[string]string, v.LengthInt())
		for k, e := range v.AsValueMap() {
			text, ok := asText(e)
			if !ok {
				return &valueError{fmt.Sprintf("%q is %s", k, describe(e)), "write a text, a number, true or false"}
			}
			dict[k] = text
		}
		return s.dict(dict)
	}
	if v.Type() != cty.String && !(s.number && v.Type() == cty.Number) {
		return wrong
	}
	text, _ := asText(v)
	return s.text(text)
}

// rawInput is the bytes that a job gets as its input.
func rawInput(v cty.Value) ([]byte, error) {
	if v.Type() == cty.String {
		return []byte(v.AsString()), nil
	}
	return ctyjson.Marshal(v, v.Type())
}

// asText converts a string, number or bool.
func asText(v cty.Value) (string, bool) {
	if v.IsNull() || !v.Type().IsPrimitiveType() {
		return "", false
	}
	v, err := convert.Convert(v, cty.String)
	if err != nil {
		return "", false
	}
	return v.AsString(), true
}

// describe says what kind of value v is.
func describe(v cty.Value) string {
	switch t := v.Type(); {
	case v.IsNull():
		return "null"
	case t == cty.String:
		return "a text"
	case t == cty.Number:
		return "a number"
	case t == cty.Bool:
		return "true or false"
	case t.IsTupleType():
		return "a list"
	default:
		return "a map"
	}
}
