// Goal: nothing that the client loads imports native code, except the three parts that need it.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('..', import.meta.url))
/** Imports and exports that are there at run time, and dynamic imports. */
const STATIC = /^(?:import|export)(?! type\b)(?:[^'"`;]*? from)? '(\.[^']+)'/gm
const DYNAMIC = /\bimport\('(\.[^']+)'\)/g
/** The only file that loads koffi when it is imported. */
const KOFFI = 'native/koffi.ts'

const targetsOf = (file: string, pattern: RegExp): readonly string[] =>
  [...readFileSync(resolve(SRC, file), 'utf8').matchAll(pattern)].map(([, path = '']) =>
    relative(SRC, resolve(SRC, dirname(file), path)),
  )

/** Returns the files that loading this one loads at once. */
function loadedBy(file: string): ReadonlySet<string> {
  const found = new Set([file])
  for (const each of found) for (const target of targetsOf(each, STATIC)) found.add(target)
  return found
}

test('every dynamic import of the client is free of native code, but for pings, raw packets and descriptors', () => {
  const entries = ['bin/knock.ts', 'client/proxy/proxy.ts', 'postern/keygen/user.ts', 'postern/keygen/totp.ts']
  const pending = [...entries]
  const seen = new Set<string>(pending)
  const native: string[] = []
  for (const entry of pending) {
    const loaded = loadedBy(entry)
    expect(loaded, entry).not.toContain(KOFFI)
    for (const file of loaded) {
      expect(existsSync(resolve(SRC, file)), file).toBe(true)
      for (const target of targetsOf(file, DYNAMIC)) {
        if (seen.has(target)) continue
        seen.add(target)
        if (loadedBy(target).has(KOFFI)) native.push(`${file} ${target}`)
        else pending.push(target)
      }
    }
  }
  expect(native.toSorted()).toEqual([
    'client/ping.ts native/ping-socket.ts',
    'client/proxy/hand-over.ts native/libc.ts',
    'client/proxy/hand-over.ts native/pass-descriptor.ts',
    'client/spa/knockknock.ts native/raw-socket.ts',
  ])
  // The walk saw the parts that are loaded late.
  expect([...seen]).toEqual(
    expect.arrayContaining(['client/published/decrypt.ts', 'client/spa/postern.ts', 'native/spawn.ts']),
  )
})

test('the walk would notice', () => {
  expect(loadedBy('native/pcap.ts')).toContain(KOFFI)
  expect(loadedBy('client/client.ts').size).toBeGreaterThan(20)
})
