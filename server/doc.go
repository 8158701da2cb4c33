// Package server is the API of an engine: HTTP with JSON, served on a Unix
// socket by a running engine and in the process of a verb where none runs, so
// that both take one path. It owns the routes, the shapes and the error codes;
// what happens is the engine's.
//
//	GET  /v1/status              what runs, and how many jobs are where
//	GET  /v1/tasks               tasks, and the plugins that could not be loaded
//	GET  /v1/schedules           schedules with their last and next tick
//	POST /v1/schedules/fire      submit the jobs that are due now
//	POST /v1/jobs                submit jobs, all or none
//	GET  /v1/jobs                a page of jobs, newest first
//	GET  /v1/jobs/{id}           one job with its history
//	GET  /v1/jobs/{id}/output    its output, the bytes alone
//	GET  /v1/jobs/{id}/logs      its log lines
//	GET  /v1/jobs/{id}/follow    its changes and log lines until it has ended, as JSON lines
//	POST /v1/jobs/{id}/cancel
//	POST /v1/jobs/{id}/retry
//
// The API has no authentication of its own: whoever can open the socket, mode
// 0600 in the data directory, may do all.
package server
