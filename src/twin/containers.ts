import { formatAddress } from '../packet/address.ts'
import { contains, networkOf } from '../packet/network.ts'
import type { Machine } from './machine.ts'
import { Namespace, joinNamespaces } from './namespace.ts'
import { publishedIn } from './cause/published.ts'
import { ruleLines } from './rules.ts'
import type { Rules } from './rules.ts'
import type { Setting } from './setting.ts'

/** The most ports of containers that are listened on. */
const CONTAINER_PORTS_MAX = 64

/** A port of a container, and the interface of this machine that it is behind. */
interface ContainerPort {
  readonly link: string
  readonly address: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** Returns the ports of containers that rules publish, each once. */
function containerPorts(rules: Rules, { links, watched }: Machine): readonly ContainerPort[] {
  const found = new Map<string, ContainerPort>()
  for (const { protocol, to } of publishedIn(ruleLines(rules).map(({ text }) => text))) {
    const link = links.find(
      ({ name, addresses }) =>
        name !== watched.name && addresses.some((own) => contains(networkOf(own.address, own.prefix), to.address)),
    )
    if (link === undefined || found.size >= CONTAINER_PORTS_MAX) continue
    const address = formatAddress(to.address)
    found.set(`${address} ${protocol}/${to.port}`, { link: link.name, address, protocol, port: to.port })
  }
  return [...found.values()]
}

/**
 * Makes the containers as one namespace. Each of the machine's interfaces that leads to containers gets a link with
 * their addresses. An agent listens on their ports.
 */
export async function makeContainers(
  { machine, rules, run }: Setting,
  server: Namespace,
  made: (namespace: Namespace) => void,
): Promise<void> {
  const ports = containerPorts(rules, machine)
  if (ports.length === 0) return
  const behind = await Namespace.make('client')
  made(behind)
  await behind.must(['ip', 'link', 'set', 'lo', 'up'])
  for (const [index, name] of [...new Set(ports.map(({ link }) => link))].entries()) {
    const device = `c${index}`
    const table = String(index + 1)
    await joinNamespaces(run, { name, pid: server.pid }, { name: device, pid: behind.pid })
    await behind.must(['ip', 'link', 'set', device, 'up'])
    const gateways = machine.links.find((link) => link.name === name)!.addresses
    for (const address of new Set(ports.filter(({ link }) => link === name).map((port) => port.address))) {
      const family = address.includes(':') ? 6 : 4
      const gateway = gateways.find((own) => own.address.family === family)!.text
      const ip = ['ip', `-${family}`]
      await behind.must([
        ...ip,
        'addr',
        'add',
        `${address}/${family === 4 ? 32 : 128}`,
        'dev',
        device,
        ...(family === 6 ? ['nodad'] : []),
      ])
      await behind.must([...ip, 'route', 'replace', 'default', 'via', gateway, 'dev', device, 'onlink', 'table', table])
      // Each container answers over the link that it is behind.
      await behind.must([...ip, 'rule', 'add', 'from', address, 'lookup', table])
    }
  }
  for (const { protocol, port } of ports) await behind.ask('listen', { protocol, port })
}
