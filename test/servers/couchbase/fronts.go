package main

import (
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/couchbase/gocbcore/v9/memd"
	"github.com/couchbaselabs/gocaves/mock"
)

// front carries the connections of one node: gocaves picks its ports itself, and tests need them to outlive a restart.
type front struct {
	address string
	backend string

	mu      sync.Mutex
	clients map[net.Conn]bool
}

func openFronts(cluster mock.Cluster, firstPort int) ([]*front, error) {
	var fronts []*front
	var backends []string
	ports := map[string]string{}
	for i, node := range cluster.Nodes() {
		own := strconv.Itoa(node.KvService().ListenPort())
		ports[own] = strconv.Itoa(firstPort + i)
		backends = append(backends, own)
		fronts = append(fronts, &front{
			address: "127.0.0.1:" + ports[own],
			backend: "127.0.0.1:" + own,
			clients: map[net.Conn]bool{},
		})
	}
	announce(cluster, regexp.MustCompile(`\b(`+strings.Join(backends, "|")+`)\b`), ports)
	for _, f := range fronts {
		listener, err := net.Listen("tcp", f.address)
		if err != nil {
			return nil, fmt.Errorf("expected %s to be free: %w", f.address, err)
		}
		go f.accept(listener)
	}
	return fronts, nil
}

// announce puts the fronts' ports into each cluster map that goes out to a client.
func announce(cluster mock.Cluster, backend *regexp.Regexp, ports map[string]string) {
	cluster.KvOutHooks().Add(func(_ mock.KvClient, packet *memd.Packet, _ time.Time, next func()) {
		hasMap := packet.Command == memd.CmdGetClusterConfig || packet.Status == memd.StatusNotMyVBucket
		if hasMap && len(packet.Value) > 0 && packet.Value[0] == '{' {
			packet.Value = backend.ReplaceAllFunc(packet.Value, func(port []byte) []byte {
				return []byte(ports[string(port)])
			})
		}
		next()
	})
}

func (f *front) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", f.backend)
		if err != nil {
			client.Close()
			continue
		}
		f.mu.Lock()
		f.clients[client] = true
		f.mu.Unlock()
		go pump(server, client)
		go func() {
			pump(client, server)
			f.mu.Lock()
			delete(f.clients, client)
			f.mu.Unlock()
		}()
	}
}

func pump(to, from net.Conn) {
	_, _ = io.Copy(to, from)
	to.Close()
	from.Close()
}

// cut ends every connection of a client to this node.
func (f *front) cut() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for client := range f.clients {
		client.Close()
	}
}
