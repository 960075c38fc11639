// Goal: the ssh connection of a command is the one that sshd names, or it is doubted; it is never another one's.
import { expect, test } from 'vitest'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { AncestorProcess } from './processes.ts'
import { ESTABLISHED } from './sockets.ts'
import type { Socket } from './sockets.ts'
import { sshSession } from './ssh.ts'

const HERE = parseAddress('192.0.2.1')!
const socket = (peer: string, peerPort: number, state = ESTABLISHED, port = 22): Socket => ({
  protocol: TCP,
  inode: 1,
  state,
  address: HERE,
  port,
  peer: parseAddress(peer)!,
  peerPort,
})
const SOCKETS = [socket('192.0.2.2', 50_000), socket('198.51.100.2', 50_001), socket('192.0.2.2', 50_002, 6)]
const MINE = 'SSH_CONNECTION=192.0.2.2 50000 192.0.2.1 22'
const THEIRS = 'SSH_CONNECTION=198.51.100.2 50001 192.0.2.1 22'
const at = (name: string, ...environment: readonly string[]): AncestorProcess => ({ name, environment })

test.each<[string, readonly AncestorProcess[], string | undefined, string, string | undefined]>([
  ['a shell of sshd', [at('node', MINE), at('bash', MINE), at('sshd')], '192.0.2.2', 'live', undefined],
  ['below sudo', [at('node'), at('sudo'), at('bash', MINE), at('sshd-session')], '192.0.2.2', 'live', undefined],
  ["a variable of another's", [at('node', THEIRS), at('bash', MINE), at('sshd')], '192.0.2.2', 'live', undefined],
  ['a program of its own', [at('node', MINE), at('sshd')], '192.0.2.2', 'live', undefined],
  [
    'tmux, begun by another',
    [at('node', THEIRS), at('bash', THEIRS), at('tmux: server')],
    '198.51.100.2',
    'unsure',
    'tmux',
  ],
  [
    'screen, in its first session',
    [at('node', MINE), at('screen'), at('bash', MINE), at('sshd')],
    '192.0.2.2',
    'unsure',
    'screen',
  ],
  ['nobody above', [at('node', MINE), at('bash', MINE)], '192.0.2.2', 'unsure', undefined],
  [
    'a connection that is gone',
    [at('node', 'SSH_CONNECTION=192.0.2.2 9 192.0.2.1 22'), at('bash')],
    '192.0.2.2',
    'ended',
    undefined,
  ],
  [
    'one that ends',
    [at('node', 'SSH_CONNECTION=192.0.2.2 50002 192.0.2.1 22'), at('bash')],
    '192.0.2.2',
    'ended',
    undefined,
  ],
  [
    'at another port of this host',
    [at('node', 'SSH_CONNECTION=192.0.2.2 50000 192.0.2.1 23'), at('sshd')],
    '192.0.2.2',
    'ended',
    undefined,
  ],
  ['no word of ssh', [at('node'), at('bash'), at('login')], undefined, 'unsure', undefined],
  ['nonsense', [at('node', 'SSH_CONNECTION=; rm -rf'), at('sshd')], undefined, 'unsure', undefined],
])('%s', (_, processes, address, state, multiplexer) => {
  const found = sshSession({ processes, sockets: SOCKETS })
  expect([found.peer?.address, found.state, found.multiplexer]).toEqual([address, state, multiplexer])
})

test('an interface behind a link-local address is not part of it', () => {
  const sockets = [{ ...socket('fe80::2', 50_000), address: parseAddress('fe80::1')! }]
  const processes = [at('node', 'SSH_CONNECTION=fe80::2%eth0 50000 fe80::1%eth0 22'), at('sshd')]
  expect(sshSession({ processes, sockets })).toMatchObject({ state: 'live', port: 22 })
})
