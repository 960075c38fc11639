import { Host, link, pair } from './net.ts'
import { serveTcp } from './service.ts'

/** Addresses of a container. */
export const CONTAINER_4 = '172.17.0.2'
export const CONTAINER_6 = 'fd00:17::2'
/** The port that Docker publishes, and the container's own. */
export const PUBLISHED = 8080
export const INNER = 80

/**
 * What dockerd 24 writes with iptables for `docker run -p 8080:80`, with IPv6 switched on, and 8081 as a second
 * published port: chains, their order, and the policy of FORWARD.
 */
export const docker = (bridge: string, container: string, loopback: string): string => `*nat
:PREROUTING ACCEPT
:INPUT ACCEPT
:OUTPUT ACCEPT
:POSTROUTING ACCEPT
:DOCKER -
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d ${loopback} -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s ${bridge} ! -o docker0 -j MASQUERADE
-A POSTROUTING -s ${container} -d ${container} -p tcp -m tcp --dport ${INNER} -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport ${PUBLISHED} -j DNAT --to-destination ${inBrackets(container)}:${INNER}
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8081 -j DNAT --to-destination ${inBrackets(container)}:${INNER}
COMMIT
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
:DOCKER -
:DOCKER-ISOLATION-STAGE-1 -
:DOCKER-ISOLATION-STAGE-2 -
:DOCKER-USER -
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-ISOLATION-STAGE-1
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A FORWARD -i docker0 -o docker0 -j ACCEPT
-A DOCKER -d ${container} ! -i docker0 -o docker0 -p tcp -m tcp --dport ${INNER} -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -j RETURN
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
-A DOCKER-ISOLATION-STAGE-2 -j RETURN
-A DOCKER-USER -j RETURN
COMMIT
`

function inBrackets(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}

/** A client, a server that forwards, and a container behind a bridge of the server. */
export async function withContainer(): Promise<{
  readonly server: Host
  readonly client: Host
  readonly container: Host
}> {
  const { server, client } = await pair()
  const container = await Host.make('container')
  await server.ip('link add docker0 type bridge')
  await server.sysctl('net/ipv6/conf/docker0/accept_dad', 0)
  await server.address('docker0', '172.17.0.1/16')
  await server.address('docker0', 'fd00:17::1/64')
  await link(
    { host: server, device: 'veth1' },
    { host: container, addresses: [`${CONTAINER_4}/16`, `${CONTAINER_6}/64`] },
  )
  await server.ip('link set veth1 master docker0')
  await server.ip('link set docker0 up')
  await container.ip('route add default via 172.17.0.1')
  await container.ip('-6 route add default via fd00:17::1')
  await server.sysctl('net.ipv4.ip_forward', 1)
  await server.sysctl('net.ipv6.conf.all.forwarding', 1)
  await serveTcp(container, INNER)
  return { server, client, container }
}
