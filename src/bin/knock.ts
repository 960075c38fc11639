#!/usr/bin/env node
import { client } from '../client/client.ts'
import { outputOf } from './output.ts'

const code = await client(process.argv.slice(2), outputOf('knock'))
process.exitCode = code === 0 ? (process.exitCode ?? 0) : code
