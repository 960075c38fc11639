import { contains, formatNetwork, parseNetwork } from '../../../packet/network.ts'
import type { Network } from '../../../packet/network.ts'

/** Where the files of a node are on the node. */
export const NODE_FOLDER = '/etc/etcd/postern'
const PEER_PORT = 2380
/** The size at which etcd stops writing, in bytes. */
const QUOTA_BYTES = 2_147_483_648
/** Milliseconds between two heartbeats of the leader, and until others elect a new one. */
const HEARTBEAT_MS = 50
const ELECTION_MS = 500

/** A node of etcd. */
export interface EtcdNode {
  /** `etcd-1` */
  readonly name: string
  /** The address or host name, without brackets. */
  readonly host: string
  readonly port: number
}

/** Returns the nodes at addresses for clients, as in `https://10.0.0.1:2379`. */
export function nodesOf(endpoints: readonly string[]): readonly EtcdNode[] {
  return endpoints.map((endpoint, index) => {
    const { hostname, port } = new URL(endpoint)
    return {
      name: `etcd-${index + 1}`,
      host: hostname.replaceAll(/[[\]]/g, ''),
      port: Number(port === '' ? 443 : port),
    }
  })
}

/** Returns the subjectAltName of a node's certificate. */
export function sanOf({ host }: EtcdNode): string {
  const own = isAddress(host) ? `IP:${host}` : `DNS:${host}`
  return `${own},IP:127.0.0.1,IP:::1,DNS:localhost`
}

/**
 * Formats the settings of a node for /etc/default/etcd, each with its reason.
 *
 * @param revokes true if there is a revocation list
 */
export function environmentOf(fleet: string, node: EtcdNode, nodes: readonly EtcdNode[], revokes: boolean): string {
  const client = urlOf(node.host, node.port)
  const peer = urlOf(node.host, PEER_PORT)
  const cluster = nodes.map(({ name, host }) => `${name}=${urlOf(host, PEER_PORT)}`).join()
  const listen = (port: number): string => (isAddress(node.host) ? urlOf(node.host, port) : urlOf('0.0.0.0', port))
  return `# Settings of etcd for ${node.name} of the fleet ${fleet}: /etc/default/etcd of Debian's unit.
# This etcd is for Postern alone. Never use that of Kubernetes or Patroni: its writers could undo claims.

ETCD_NAME=${node.name}
# A folder of its own: Debian's package starts an etcd of one node, whose data would win over the settings below.
ETCD_DATA_DIR=${dataFolderOf(fleet)}

# Where clients connect. This address has to be one of this machine's.
ETCD_LISTEN_CLIENT_URLS=${listen(node.port)}
ETCD_ADVERTISE_CLIENT_URLS=${client}
# Only clients with a certificate of the fleet's authority may connect.
ETCD_CLIENT_CERT_AUTH=true
ETCD_TRUSTED_CA_FILE=${NODE_FOLDER}/ca.crt
# For serverAuth and clientAuth: the JSON gateway is a client of its own node.
ETCD_CERT_FILE=${NODE_FOLDER}/server.crt
ETCD_KEY_FILE=${NODE_FOLDER}/server.key
# Certificates of removed hosts. etcd reads the file at each connection, so a new one needs no restart.
${revokes ? '' : '# '}ETCD_CLIENT_CRL_FILE=${NODE_FOLDER}/crl.pem
# Postern uses the JSON gateway. In a YAML file it is off without the line: enable-grpc-gateway: true
ETCD_ENABLE_GRPC_GATEWAY=true

# Where nodes connect to each other, with certificates of another authority: a host of the fleet is no node.
ETCD_LISTEN_PEER_URLS=${listen(PEER_PORT)}
ETCD_INITIAL_ADVERTISE_PEER_URLS=${peer}
ETCD_PEER_CLIENT_CERT_AUTH=true
ETCD_PEER_TRUSTED_CA_FILE=${NODE_FOLDER}/peer-ca.crt
ETCD_PEER_CERT_FILE=${NODE_FOLDER}/peer.crt
ETCD_PEER_KEY_FILE=${NODE_FOLDER}/peer.key

# The first start only. Three nodes on different power and disks: a majority has to be there.
ETCD_INITIAL_CLUSTER=${cluster}
ETCD_INITIAL_CLUSTER_TOKEN=postern-${fleet}
ETCD_INITIAL_CLUSTER_STATE=new

# Without compaction every old version of every key stays, until the quota is reached and nobody can knock any more.
ETCD_AUTO_COMPACTION_MODE=periodic
ETCD_AUTO_COMPACTION_RETENTION=1h
ETCD_QUOTA_BACKEND_BYTES=${QUOTA_BYTES}

# A new leader within the 3 s that a knock waits. For nodes more than 10 ms apart: ten times that, and a hundred times.
ETCD_HEARTBEAT_INTERVAL=${HEARTBEAT_MS}
ETCD_ELECTION_TIMEOUT=${ELECTION_MS}
ETCD_PRE_VOTE=true
`
}

/**
 * Formats the firewall lines of a node. They filter the two ports of etcd and nothing else, so that they cut no session.
 *
 * @param from the networks of clients; empty: the port for clients is not filtered
 */
export function firewallOf(node: EtcdNode, nodes: readonly EtcdNode[], from: readonly Network[]): string {
  const hosts = nodes.map(({ host }) => host)
  const named = hosts.filter((host) => !isAddress(host))
  const networks = from.map(formatNetwork)
  return `# Only the fleet may reach etcd. Other ports are not filtered here. Load it with: nft -f ${NODE_FOLDER}/etcd.nft
# At boot: a line in /etc/nftables.conf: include "${NODE_FOLDER}/etcd.nft"
table inet postern_etcd
delete table inet postern_etcd
table inet postern_etcd {
  chain input {
    type filter hook input priority filter - 5; policy accept;
    iif lo accept
${[
  ...(named.length > 0
    ? [`    # the nodes have host names (${named.join(', ')}): put their addresses here to filter tcp/${PEER_PORT}`]
    : rulesOf(PEER_PORT, hosts)),
  ...(networks.length === 0
    ? [`    # hosts and operators: name their networks (postern fleet init --from) to filter tcp/${node.port}`]
    : rulesOf(node.port, [...hosts.filter((host) => isAddress(host) && !isWithin(host, from)), ...networks])),
].join('\n')}
  }
}
`
}

/** Formats the script that puts a node's files in place. It may be run again, and touches no etcd of something else. */
export function installOf(fleet: string): string {
  return `#!/bin/sh
# Puts the files of this folder in place, and starts etcd with them. It may be run again.
set -eu
cd "$(dirname "$0")"
# An etcd of Kubernetes, Patroni or another fleet would stop.
if grep -qs '^[[:space:]]*ETCD_' /etc/default/etcd && ! grep -q '^ETCD_DATA_DIR=${dataFolderOf(fleet)}$' /etc/default/etcd; then
  echo '/etc/default/etcd has settings of another etcd: this fleet needs one of its own, on another machine' >&2
  echo '  if nothing uses that one any more, move them away: mv /etc/default/etcd /etc/default/etcd.old' >&2
  exit 1
fi
id etcd > /dev/null 2>&1 || { echo 'there is no user etcd: apt install etcd-server' >&2; exit 1; }
install -d -o root -g root -m 755 ${NODE_FOLDER}
for file in ca.crt server.crt peer-ca.crt peer.crt etcd.nft; do
  install -o root -g root -m 644 "$file" ${NODE_FOLDER}/
done
# A newer revocation list may be there.
[ ! -e crl.pem ] || [ -e ${NODE_FOLDER}/crl.pem ] || install -o root -g root -m 644 crl.pem ${NODE_FOLDER}/
install -o etcd -g etcd -m 600 server.key peer.key ${NODE_FOLDER}/
[ -e /etc/default/etcd.before-postern ] || [ ! -e /etc/default/etcd ] || cp -p /etc/default/etcd /etc/default/etcd.before-postern
install -o root -g root -m 644 etcd.env /etc/default/etcd
systemctl enable etcd
# The first node waits for the others: this script does not.
systemctl restart --no-block etcd
echo 'etcd starts; look at it with: systemctl status etcd'
`
}

/** Returns the folder of a fleet's data on a node. */
function dataFolderOf(fleet: string): string {
  return `/var/lib/etcd/postern-${fleet}`
}

function rulesOf(port: number, sources: readonly string[]): readonly string[] {
  const accepted = (['ip', 'ip6'] as const).flatMap((family) => {
    const own = sources.filter((source) => source.includes(':') === (family === 'ip6'))
    // As nft(8) lists it, so that the rules are the same after copying.
    const matched = own.length === 1 ? own[0] : `{ ${own.join(', ')} }`
    return own.length === 0 ? [] : [`    tcp dport ${port} ${family} saddr ${matched} accept`]
  })
  return [...accepted, `    tcp dport ${port} drop`]
}

function isWithin(host: string, networks: readonly Network[]): boolean {
  const own = parseNetwork(host)
  return own !== undefined && networks.some((network) => contains(network, own.address))
}

function urlOf(host: string, port: number): string {
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`
}

function isAddress(host: string): boolean {
  return host.includes(':') || /^[0-9.]+$/.test(host)
}
