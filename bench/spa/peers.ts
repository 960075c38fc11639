import { Process } from '../../test/lab/process.ts'
import { formatKey } from '../../src/spa/noise/key-text.ts'
import { logged, lostByOurs, startPeer } from '../peers.ts'
import { SERVICE_PORT } from '../world.ts'
import type { World } from '../world.ts'
import { HMAC_KEY, KEY, KNOWN, SERVER_SECRET } from './packets.ts'
import type { Format } from './packets.ts'

/** Debian's fwknopd. */
export const THEIR_FWKNOPD = '/usr/sbin/fwknopd'
/** Where packets are sent: the one port that fwknopd looks at. */
export const SPA_PORT = 62_201

/** A daemon that opens the service's port to single packets. */
export interface SpaPeer {
  readonly process: Process
  /** Packets that it has honoured, by what it says itself. */
  opened(): number
  /** Returns the number of packets, of so many, that it skipped because they came too fast. */
  lost(packets: number): Promise<number>
}

/** Which daemon, with packets of which format. */
export interface Setting {
  readonly side: 'ours' | 'theirs'
  readonly format: Format
}

/** All there are. fwknopd has no other packets than its own. */
export const SETTINGS = {
  own: { side: 'ours', format: 'own' },
  ours: { side: 'ours', format: 'fwknop' },
  theirs: { side: 'theirs', format: 'fwknop' },
} as const satisfies Readonly<Record<string, Setting>>

/** Hides a world's service, and starts a daemon that opens it for so many seconds, with its defaults otherwise. */
export async function startSpaPeer(
  world: World,
  { side, format }: Setting,
  openS: number,
  access = accessText(openS),
): Promise<SpaPeer> {
  await world.hide()
  if (side === 'theirs') return startTheirs(world, access)
  // What the guard lets through has to be allowed by the host's own rules as well.
  await world.onServer(`iptables -I INPUT -p tcp --dport ${SERVICE_PORT} -j ACCEPT`.split(' '))
  const secret =
    format === 'own' ? ownDoor(world) : ['[ssh]', 'SPA = fwknop', `Access_File = ${world.file('access.conf', access)}`]
  const lines = ['Hide_With = reset', ...secret, `Open_Ports = tcp/${SERVICE_PORT}`, `Open_For = ${openS}s`]
  const peer = await startPeer(world, 'ours', `${lines.join('\n')}\n`)
  return {
    process: peer.process,
    opened: () => logged(peer, /: tcp\/\d+ open for /),
    lost: async () => lostByOurs(world, peer),
  }
}

function ownDoor(world: World): readonly string[] {
  const key = world.file('server.key', `${formatKey('postern-server-secret', SERVER_SECRET)}\n`)
  const users = KNOWN.map(
    ({ publicKey }, index) => `ports=tcp/${SERVICE_PORT} ${formatKey('postern-user', publicKey)} user${index}\n`,
  )
  return [`SPA_Key_File = ${key}`, '[ssh]', 'SPA = postern', `SPA_Users = ${world.file('users', users.join(''))}`]
}

/** Returns an access.conf with the stanza of the packets that open. */
export function accessText(openS: number, source = 'ANY'): string {
  const keys = `KEY_BASE64 ${KEY.toString('base64')}\nHMAC_KEY_BASE64 ${HMAC_KEY.toString('base64')}\n`
  return `SOURCE ${source}\n${keys}OPEN_PORTS tcp/${SERVICE_PORT}\nFW_ACCESS_TIMEOUT ${openS}\n`
}

async function startTheirs(world: World, access: string): Promise<SpaPeer> {
  const { folder } = world
  const config = `PCAP_INTF eth0;\nFWKNOP_RUN_DIR ${folder};\nFWKNOP_CONF_DIR ${folder};\n`
  const files = ['-c', world.file('fwknopd.conf', config), '-a', world.file('access.conf', access)]
  const process = new Process([THEIR_FWKNOPD, '-f', ...files], { ns: world.server })
  await process.line(/main event loop/)
  return {
    process,
    opened: () => process.count(/Added .*access rule/),
    lost: (packets) => Promise.resolve(Math.max(0, packets - process.count(/SPA Packet from IP: /))),
  }
}
