// Goal: the interface that the daemon listens on is found as the daemon finds it, and what is missing is named.
import { expect, test } from 'vitest'
import { lookAtMachine } from './machine.ts'

const JSON_TEXT = JSON.stringify([
  { ifname: 'lo', flags: ['LOOPBACK', 'UP'], addr_info: [{ local: '127.0.0.1', prefixlen: 8, scope: 'host' }] },
  { ifname: 'tun0', flags: ['UP'], addr_info: [{ local: '10.8.0.1', prefixlen: 32, scope: 'global' }] },
  {
    ifname: 'eth0',
    flags: ['UP'],
    addr_info: [
      { local: '192.0.2.1', prefixlen: 24, scope: 'global' },
      { local: 'fe80::1', prefixlen: 64, scope: 'link' },
      { local: '2001:db8::1', prefixlen: 64, scope: 'global' },
    ],
  },
  { ifname: 'eth1', flags: ['UP'], addr_info: [] },
])
const ip = (stdout: string) => async () => ({ code: 0, stdout, stderr: '' })

test('eth0 where nothing is said, without its link-local address', async () => {
  const { links, watched } = await lookAtMachine(ip(JSON_TEXT), [])
  expect(links.map(({ name }) => name)).toEqual(['tun0', 'eth0', 'eth1'])
  expect(watched.name).toBe('eth0')
  expect(watched.addresses.map(({ text, prefix }) => `${text}/${prefix}`)).toEqual(['192.0.2.1/24', '2001:db8::1/64'])
})

test('what the config names', async () => {
  expect((await lookAtMachine(ip(JSON_TEXT), ['lo', 'eth1', 'tun0'])).watched.name).toBe('tun0')
  expect((await lookAtMachine(ip(JSON_TEXT), ['any'])).watched.name).toBe('eth0')
})

test('nothing to listen on', async () => {
  await expect(lookAtMachine(ip(JSON_TEXT), ['eth1'])).rejects.toThrow(
    'eth1: no such interface with an address\n  there are: tun0, eth0',
  )
  await expect(lookAtMachine(ip('[]'), [])).rejects.toThrow('this machine has no interface with an address')
})
