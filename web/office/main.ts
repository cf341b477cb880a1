// Starts the office: people, machines, audit and health, for those who look after a centre.
import '../shared/tokens.css';
import { mount } from 'svelte';
import App from './App.svelte';

const target = document.getElementById('app');
if (target) mount(App, { target });
