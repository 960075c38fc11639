// Goal: an address to knock from has the same family and the same kind as the address that is knocked at.
import type { NetworkInterfaceInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { HERE } from '../file/platform.ts'
import type { Platform } from '../file/platform.ts'
import { resolve, sourcesOf } from './destination.ts'
import { ClientError } from './fault.ts'

const info = (family: 'IPv4' | 'IPv6', address: string): NetworkInterfaceInfo => {
  const rest = { address, netmask: '', mac: '', internal: false, cidr: null }
  return family === 'IPv4' ? { family, ...rest } : { family, ...rest, scopeid: 0 }
}

const interfaces = {
  eth0: [info('IPv4', '192.0.2.2'), info('IPv4', '192.0.2.3'), info('IPv6', 'fe80::2'), info('IPv6', '2001:db8::2')],
  wg0: [info('IPv4', '10.0.0.2')],
}

describe('--source', () => {
  test('an address stands for itself', () => {
    expect(sourcesOf('192.0.2.9', false, interfaces)).toEqual({ 4: '192.0.2.9' })
    expect(sourcesOf('2001:db8::9', false, interfaces)).toEqual({ 6: '2001:db8::9' })
  })

  test('an interface stands for its first address of each family', () => {
    expect(sourcesOf('eth0', false, interfaces)).toEqual({ 4: '192.0.2.2', 6: '2001:db8::2' })
    expect(sourcesOf('wg0', false, interfaces)).toEqual({ 4: '10.0.0.2' })
  })

  test('a link-local destination is knocked from a link-local address', () => {
    expect(sourcesOf('eth0', true, interfaces)[6]).toBe('fe80::2%eth0')
    expect(sourcesOf('wg0', true, interfaces)[6]).toBeUndefined()
  })

  test('on Windows, a zone is the number of its interface', () => {
    const windows: Platform = { ...HERE, os: 'win32', home: 'C:\\', username: 'a' }
    const wifi = [{ ...info('IPv6', 'fe80::2'), scopeid: 12 } as NetworkInterfaceInfo]
    expect(sourcesOf('Wi-Fi', true, { 'Wi-Fi': wifi }, windows)).toEqual({ 6: 'fe80::2%12' })
  })

  test('what is neither is an error that names the interfaces', () => {
    expect(() => sourcesOf('eth1', false, interfaces)).toThrow(ClientError)
    expect(() => sourcesOf('eth1', false, interfaces)).toThrow(
      expect.objectContaining({ hint: 'interfaces: eth0, wg0' }),
    )
  })
})

describe('a host', () => {
  test('that is an address is taken as it is, with its zone', async () => {
    expect(await resolve('fe80::1%eth0', undefined, undefined)).toEqual([
      { family: 6, address: 'fe80::1%eth0', source: undefined },
    ])
    expect(await resolve('192.0.2.1', 4, '192.0.2.2')).toEqual([
      { family: 4, address: '192.0.2.1', source: '192.0.2.2' },
    ])
  })

  test('of another family than the one wanted, or than the source, is an error', async () => {
    await expect(resolve('192.0.2.1', 6, undefined)).rejects.toThrow('192.0.2.1 is not an IPv6 address')
    await expect(resolve('192.0.2.1', undefined, '2001:db8::2')).rejects.toThrow(
      '2001:db8::2 has no address of a family that 192.0.2.1 has',
    )
  })

  test('that does not resolve is an error', async () => {
    await expect(resolve('no..such', undefined, undefined)).rejects.toThrow(/^cannot resolve no\.\.such: /)
  })
})
