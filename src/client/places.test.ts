// Goal: each system's files are where its command-line tools have theirs, whatever the environment lacks.
import { posix, win32 } from 'node:path'
import { expect, test } from 'vitest'
import type { Platform } from '../file/platform.ts'
import { configFolder, expandHome, servicesFile, stateFolder } from './places.ts'
import { usedCodesPath } from './used-codes.ts'

const USER = { username: 'alice' }
const LINUX: Platform = { ...USER, os: 'linux', env: {}, home: '/home/alice', path: posix }
const MAC: Platform = { ...USER, os: 'darwin', env: {}, home: '/Users/alice', path: posix }
const WINDOWS: Platform = { ...USER, os: 'win32', env: {}, home: 'C:\\Users\\alice', path: win32 }

test.each<[string, Platform, Platform['env'], string, string]>([
  ['Linux', LINUX, {}, '/home/alice/.config/postern', '/home/alice/.local/state/postern'],
  ['macOS', MAC, {}, '/Users/alice/.config/postern', '/Users/alice/.local/state/postern'],
  ['macOS with XDG', MAC, { XDG_CONFIG_HOME: '/x', XDG_STATE_HOME: '/y' }, '/x/postern', '/y/postern'],
  [
    'XDG that is relative',
    LINUX,
    { XDG_CONFIG_HOME: 'x' },
    '/home/alice/.config/postern',
    '/home/alice/.local/state/postern',
  ],
  ['a container without a home', { ...LINUX, home: '/' }, {}, '/.config/postern', '/.local/state/postern'],
  [
    'Windows',
    WINDOWS,
    { APPDATA: 'D:\\Roaming', LOCALAPPDATA: 'D:\\Local', XDG_CONFIG_HOME: 'D:\\x' },
    'D:\\Roaming\\postern',
    'D:\\Local\\postern',
  ],
  [
    'Windows without variables',
    WINDOWS,
    {},
    'C:\\Users\\alice\\AppData\\Roaming\\postern',
    'C:\\Users\\alice\\AppData\\Local\\postern',
  ],
  [
    'Windows with a relative one',
    WINDOWS,
    { APPDATA: '.', LOCALAPPDATA: '' },
    'C:\\Users\\alice\\AppData\\Roaming\\postern',
    'C:\\Users\\alice\\AppData\\Local\\postern',
  ],
])('%s', (_, platform, env, config, state) => {
  expect(configFolder({ ...platform, env })).toBe(config)
  expect(stateFolder({ ...platform, env })).toBe(state)
  expect(usedCodesPath({ ...platform, env })).toBe(platform.path.join(state, 'codes'))
})

test('a tilde is the home folder, with the separators of the system', () => {
  expect(expandHome('~/a/b', LINUX)).toBe('/home/alice/a/b')
  expect(expandHome('~\\a', LINUX)).toBe('~\\a')
  expect(expandHome('~/a/b', WINDOWS)).toBe('C:\\Users\\alice\\a\\b')
  expect(expandHome('~\\a\\b', WINDOWS)).toBe('C:\\Users\\alice\\a\\b')
  expect(expandHome('~bob/a', WINDOWS)).toBe('~bob/a')
  expect(expandHome('C:\\a', WINDOWS)).toBe('C:\\a')
})

test('the names of services are where the system has them', () => {
  expect(servicesFile(MAC)).toBe('/etc/services')
  expect(servicesFile({ ...WINDOWS, env: { SystemRoot: 'E:\\Win' } })).toBe('E:\\Win\\System32\\drivers\\etc\\services')
  expect(servicesFile(WINDOWS)).toBe('C:\\Windows\\System32\\drivers\\etc\\services')
})
