package main

import (
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/couchbase/gocbcore/v9/memd"
	"github.com/couchbaselabs/gocaves/mock"
)

// Orders, all by POST:
//
//	/faults?command=GET&do=answer&status=0x86&count=3&node=0   the next 3 such requests are answered with this status
//	/faults?command=*&do=swallow&count=-1                      requests are taken and never answered
//	/faults?command=SET&do=delay&by=50ms                       the next one is served late
//	/faults/clear      /cut?node=0 (without node: all)      /clock?forward=700s
//
// A command is a name of the memcached protocol (GET, SET, DELETE, TOUCH...), or * for all from GET to GAT, NOOP (ping) included.
type fault struct {
	command string
	do      string
	status  memd.StatusCode
	by      time.Duration
	count   int
	node    int
}

type faults struct {
	fronts []*front
	clock  func(time.Duration)
	index  map[mock.KvService]int

	mu   sync.Mutex
	list []*fault
}

func newFaults(cluster mock.Cluster, fronts []*front) *faults {
	f := &faults{fronts: fronts, clock: cluster.Chrono().TimeTravel, index: map[mock.KvService]int{}}
	for i, node := range cluster.Nodes() {
		f.index[node.KvService()] = i
	}
	cluster.KvInHooks().Add(func(client mock.KvClient, packet *memd.Packet, _ time.Time, next func()) {
		f.apply(f.take(client, packet), client, packet, next)
	})
	return f
}

// take finds the first fault that is meant for this request and uses it up once.
func (f *faults) take(client mock.KvClient, packet *memd.Packet) fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	name := strings.TrimPrefix(packet.Command.Name(), "CMD_")
	for _, each := range f.list {
		onDocument := packet.Command < memd.CmdHello
		matches := each.command == "*" && onDocument || strings.EqualFold(each.command, name)
		if each.count == 0 || !matches || each.node >= 0 && each.node != f.index[client.Source()] {
			continue
		}
		if each.count > 0 {
			each.count--
		}
		return *each
	}
	return fault{}
}

func (f *faults) apply(hit fault, client mock.KvClient, packet *memd.Packet, next func()) {
	switch hit.do {
	case "swallow":
	case "answer":
		_ = client.WritePacket(&memd.Packet{
			Magic: memd.CmdMagicRes, Command: packet.Command, Opaque: packet.Opaque, Status: hit.status,
		})
	case "delay":
		time.Sleep(hit.by)
		next()
	default:
		next()
	}
}

func (f *faults) listen(port int) error {
	routes := http.NewServeMux()
	routes.HandleFunc("/faults", orders(f.add))
	routes.HandleFunc("/faults/clear", orders(func(*http.Request) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.list = nil
		return nil
	}))
	routes.HandleFunc("/cut", orders(func(r *http.Request) error {
		node, err := number(r, "node", -1)
		for i, front := range f.fronts {
			if err == nil && (node == i || node < 0) {
				front.cut()
			}
		}
		return err
	}))
	routes.HandleFunc("/clock", orders(func(r *http.Request) error {
		forward, err := time.ParseDuration(r.FormValue("forward"))
		if err == nil {
			f.clock(forward)
		}
		return err
	}))
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	go func() { _ = http.Serve(listener, routes) }()
	return nil
}

func (f *faults) add(r *http.Request) (err error) {
	added := &fault{command: r.FormValue("command"), do: r.FormValue("do")}
	if added.count, err = number(r, "count", 1); err != nil {
		return err
	}
	if added.node, err = number(r, "node", -1); err != nil {
		return err
	}
	switch added.do {
	case "swallow":
	case "answer":
		var status uint64
		status, err = strconv.ParseUint(r.FormValue("status"), 0, 16)
		added.status = memd.StatusCode(status)
	case "delay":
		added.by, err = time.ParseDuration(r.FormValue("by"))
	default:
		err = fmt.Errorf("expected do=answer, swallow or delay, got %q", added.do)
	}
	if err == nil && added.command == "" {
		err = fmt.Errorf("expected command=, a name of the protocol or *")
	}
	if err == nil {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.list = append(f.list, added)
	}
	return err
}

func orders(obey func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			http.Error(w, "expected POST", http.StatusMethodNotAllowed)
		} else if err := obey(r); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
		}
	}
}

func number(r *http.Request, name string, otherwise int) (int, error) {
	text := r.FormValue(name)
	if text == "" {
		return otherwise, nil
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("expected %s to be a whole number, got %q", name, text)
	}
	return value, nil
}
