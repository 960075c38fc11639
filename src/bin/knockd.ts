#!/usr/bin/env node
import { knockd } from '../daemon/knockd.ts'

await knockd(process.argv.slice(2), (code) => process.exit(code))
