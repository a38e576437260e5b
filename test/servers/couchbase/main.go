// A Couchbase key-value server for tests: gocaves on fixed loopback ports, with faults on command. It keeps its documents
// in memory. Node n serves clients at port+n; the faults (faults.go) are ordered over HTTP at the control port.
package main

import (
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	"github.com/couchbaselabs/gocaves/mock"
	"github.com/couchbaselabs/gocaves/mock/mockauth"
	"github.com/couchbaselabs/gocaves/mock/mockimpl"
)

type settings struct {
	port, control, nodes   int
	replicas, vbuckets     uint
	bucket, user, password string
}

func main() {
	var s settings
	flag.IntVar(&s.port, "port", 11210, "key-value port of the first node")
	flag.IntVar(&s.control, "control", 11300, "port that takes orders for faults")
	flag.IntVar(&s.nodes, "nodes", 1, "number of nodes")
	flag.UintVar(&s.replicas, "replicas", 0, "copies of each document beside the first")
	flag.UintVar(&s.vbuckets, "vbuckets", 64, "partitions of the bucket")
	flag.StringVar(&s.bucket, "bucket", "default", "name of the bucket")
	flag.StringVar(&s.user, "user", "Administrator", "name of the user")
	flag.StringVar(&s.password, "password", "password", "password of the user")
	flag.Parse()
	log.SetOutput(io.Discard) // gocaves logs every packet
	if err := serve(s); err != nil {
		fmt.Fprintln(os.Stderr, "couchbase:", err)
		os.Exit(1)
	}
	select {}
}

func serve(s settings) error {
	node := mock.NewNodeOptions{
		Services: []mock.ServiceType{mock.ServiceTypeKeyValue, mock.ServiceTypeMgmt},
		Features: []mock.ClusterNodeFeature{mock.ClusterNodeFeatureDurations}, // a list without TLS
	}
	cluster, err := mockimpl.NewCluster(mock.NewClusterOptions{InitialNode: node, NumVbuckets: s.vbuckets})
	if err != nil {
		return err
	}
	for added := 1; added < s.nodes; added++ {
		if _, err := cluster.AddNode(node); err != nil {
			return err
		}
	}
	bucket := mock.NewBucketOptions{Name: s.bucket, Type: mock.BucketTypeCouchbase, NumReplicas: s.replicas}
	if _, err := cluster.AddBucket(bucket); err != nil {
		return err
	}
	admin := mockauth.UpsertUserOptions{Username: s.user, Password: s.password, Roles: []string{"admin"}}
	if err := cluster.Users().UpsertUser(admin); err != nil {
		return err
	}

	fronts, err := openFronts(cluster, s.port)
	if err != nil {
		return err
	}
	faults := newFaults(cluster, fronts)
	if err := faults.listen(s.control); err != nil {
		return err
	}
	var addresses []string
	for _, front := range fronts {
		addresses = append(addresses, front.address)
	}
	fmt.Println("couchbase://" + strings.Join(addresses, ","))
	return nil
}
