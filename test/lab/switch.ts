// A switch that joins hosts, and the process of the test, to one network.
import { networkInterfaces } from 'node:os'
import { Host, link } from './net.ts'
import { run } from './process.ts'

const BRIDGE = 'br0'
let ports = 0

/** A bridge in a namespace of its own. */
export class Switch {
  readonly host: Host

  private constructor(host: Host) {
    this.host = host
  }

  static async make(): Promise<Switch> {
    const host = await Host.make('switch')
    await host.run(['sh', '-ec', `ip link add ${BRIDGE} type bridge; ip link set ${BRIDGE} up`])
    return new Switch(host)
  }

  /** Joins a host by a device, with an address in a network of 256. */
  async join(host: Host, address: string, device = 'eth0'): Promise<void> {
    const end = { host: this.host, device: `p${++ports}`, bridge: BRIDGE }
    await link(end, { host, device, addresses: [`${address}/24`] })
  }

  /** Joins the namespace of the test's own process. */
  async joinTest(address: string): Promise<void> {
    const device = `pt${process.pid}x${++ports}`
    const lines = [
      `ip link add ${device} type veth peer name test netns ${this.host.ns}`,
      `ip -n ${this.host.ns} link set test master ${BRIDGE} up`,
      `ip address add ${address}/24 dev ${device}`,
      `ip link set ${device} up`,
    ]
    await run(['sh', '-ec', lines.join('\n')])
  }

  /** Joins another network namespace by the process that began it. */
  async joinProcess(pid: number, device: string): Promise<void> {
    const peer = ['peer', 'name', device, 'netns', String(pid)]
    const own = `p${++ports}`
    await run(['ip', 'link', 'add', 'name', own, 'netns', this.host.ns, 'type', 'veth', ...peer])
    await this.host.ip(`link set ${own} master ${BRIDGE} up`)
  }
}

/** A network of the test range of RFC 2544 that no other test process uses: its first three bytes. */
export function freeNet(): string {
  const used = new Set(Object.values(networkInterfaces()).flatMap((each) => each?.map(({ address }) => address) ?? []))
  for (let at = process.pid % 512; ; at = (at + 1) % 512) {
    const net = `198.${18 + (at >> 8)}.${at & 0xff}`
    if (!used.has(`${net}.1`)) return net
  }
}
