// The pages of the office, in the order of its menu: who sees which. The server's permission table decides; this only
// keeps from offering what would be refused.
import type { Component } from 'svelte';
import UpkeepPage from './pages/Upkeep.svelte';
import type { Me, Role } from '../shared/types';
import Accounts from './pages/Accounts.svelte';
import Audit from './pages/Audit.svelte';
import Board from './pages/Board.svelte';
import Bulletins from './pages/Bulletins.svelte';
import Health from './pages/Health.svelte';
// ---- intelligence ----
import Intelligence from './pages/Intelligence.svelte';
// (end of intelligence)
import Enrol from './pages/Enrol.svelte';
// ---- people ----
import People from './pages/People.svelte';
import Rosters from './pages/Rosters.svelte';
import Units from './pages/Units.svelte';
// (end of people)
import Machines from './pages/Machines.svelte';
import ReadsOfMe from './pages/ReadsOfMe.svelte';
import MySignIn from './pages/MySignIn.svelte';
import Subscriptions from './pages/Subscriptions.svelte';
// ---- search ----
import SearchPage from './pages/Search.svelte';
// (end of search)

export interface OfficePage {
  /** In the address, behind #. */
  id: string;
  title: string;
  /** Who sees it; everybody who is signed in when left out. */
  roles?: readonly Role[];
  /** Who sees it besides in an exercise, where everybody is made up. */
  exercise?: readonly Role[];
  component: Component<{ me: Me }>;
  /** It follows the centre's news by itself. */
  live?: true;
}

export const pages: readonly OfficePage[] = [
  // ---- bulletins ----
  { id: 'bulletins', title: 'Bulletins', roles: ['watch', 'analyst', 'supervisor', 'auditor'], component: Bulletins, live: true },
  { id: 'board', title: 'Board', roles: ['watch', 'analyst', 'supervisor', 'auditor'], component: Board, live: true },
  // (end of bulletins)
  // ---- intelligence ----
  { id: 'intelligence', title: 'Intelligence', roles: ['watch', 'analyst', 'supervisor', 'auditor', 'administrator'], component: Intelligence, live: true },
  // (end of intelligence)
  // ---- search ----
  { id: 'search', title: 'Search', roles: ['watch', 'analyst', 'supervisor', 'auditor'], component: SearchPage, live: true },
  // (end of search)
  // ---- people ----
  { id: 'people', title: 'People', roles: ['administrator', 'auditor'], component: People },
  { id: 'units', title: 'Units and agencies', roles: ['administrator', 'auditor'], component: Units },
  { id: 'rosters', title: 'Duty rosters', roles: ['administrator', 'auditor', 'supervisor', 'watch'], component: Rosters },
  // (end of people)
  // ---- machines ----
  { id: 'machines', title: 'Machines', roles: ['integrator', 'administrator', 'auditor'], component: Machines },
  // (end of machines)
  // ---- enrolment ----
  { id: 'enrol', title: 'Enrol a phone', roles: ['administrator'], exercise: ['watch'], component: Enrol },
  // (end of enrolment)
  // ---- audit ----
  { id: 'audit', title: 'Who read what', roles: ['auditor'], component: Audit },
  { id: 'reads-of-me', title: 'Who saw where I am', component: ReadsOfMe },
  // (end of audit)
  // ---- upkeep ----
  { id: 'upkeep', title: 'Upkeep', roles: ['administrator', 'auditor'], component: UpkeepPage },
  { id: 'health', title: 'Health', roles: ['administrator', 'auditor', 'integrator'], component: Health },
  // (end of upkeep)
  // ---- accounts ----
  { id: 'accounts', title: 'Sign-ins', roles: ['administrator', 'watch', 'supervisor'], component: Accounts },
  { id: 'subscriptions', title: 'What you are told of', component: Subscriptions },
  { id: 'sign-in', title: 'Your sign-in', component: MySignIn },
  // (end of accounts)
];
