import { afterAll } from 'vitest'
import { tearDown } from './net.ts'

// This file runs anew for each test file; what the test files share is loaded once in a process.
afterAll(tearDown)
