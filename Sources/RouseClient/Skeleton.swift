// RouseClient
