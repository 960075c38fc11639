// Goal: the programs name the version of the package they came in.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { VERSION } from './version.ts'

const read = (name: string): unknown => JSON.parse(readFileSync(new URL(`../${name}`, import.meta.url), 'utf8'))

test('the version is package.json’s', () => {
  const { version } = read('package.json') as { version: string }
  expect(VERSION).toBe(version)
})

test('no install script of a dependency is allowed: the programs need none', () => {
  const { allowScripts } = read('package.json') as { allowScripts: Record<string, boolean> }
  const { packages } = read('package-lock.json') as { packages: Record<string, { hasInstallScript?: true }> }
  const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript === true)
  const names = scripted.map(([path]) => path.replace('node_modules/', ''))
  expect(allowScripts).toEqual(Object.fromEntries(names.map((name) => [name, false])))
})
