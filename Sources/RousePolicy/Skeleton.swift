// RousePolicy
