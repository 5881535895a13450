import { render } from 'preact'
import { App } from './app.tsx'
import { follow } from './live.ts'

const page = document.querySelector('#page')
if (page) render(<App />, page)
void follow()
