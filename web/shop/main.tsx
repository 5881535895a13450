import { render } from 'preact'
import { SettingsBar } from '../shared/settings-bar.tsx'

const page = document.querySelector('#page')
if (page) render(<header class="top"><SettingsBar /></header>, page)
