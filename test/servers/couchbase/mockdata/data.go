// Package mockdata takes the place of a generated package that the published gocaves module needs and does not contain.
// Of that package the server asks for one thing, the map of key-value errors that it hands to clients.
package mockdata

import "fmt"

const errorMap = `{"version":1,"revision":1,"errors":{
"1":{"name":"KEY_ENOENT","desc":"no such key","attrs":["item-only"]},
"2":{"name":"KEY_EEXISTS","desc":"the key exists, or its CAS differs","attrs":["item-only"]},
"3":{"name":"E2BIG","desc":"the value is too big","attrs":["item-only","invalid-input"]},
"7":{"name":"NOT_MY_VBUCKET","desc":"another node has this partition","attrs":["fetch-config","invalid-input"]},
"20":{"name":"AUTH_ERROR","desc":"authentication failed","attrs":["conn-state-invalidated","auth"]},
"82":{"name":"ENOMEM","desc":"out of memory","attrs":["temp","retry-later"]},
"85":{"name":"EBUSY","desc":"busy","attrs":["temp","retry-later"]},
"86":{"name":"ETMPFAIL","desc":"temporary failure","attrs":["temp","retry-later"]}}}`

// Asset returns the file of that name.
func Asset(name string) ([]byte, error) {
	switch name {
	case "err_map65.json", "err_map70.json":
		return []byte(errorMap), nil
	}
	return nil, fmt.Errorf("mockdata has no file %q", name)
}
