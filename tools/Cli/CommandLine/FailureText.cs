using System.Net.Sockets;
using Npgsql;

namespace TrainMover.Cli.CommandLine;

/// <summary>One line for a failure, with what to do about it.</summary>
internal static class FailureText
{
    public static string Of(Exception exception) => exception switch
    {
        AggregateException { InnerExceptions: [var only] } => Of(only),
        NpgsqlException { InnerException: SocketException } => $"PostgreSQL does not answer ({exception.Message}): start it with ./trainmover up, or check {Access.PostgresVariable}.",
        PostgresException postgres => $"PostgreSQL refused ({postgres.MessageText}): check {Access.PostgresVariable} and TRAINMOVER_SCHEMA.",
        UnauthorizedAccessException => $"{exception.Message.TrimEnd('.')}: check the permissions.",
        IOException => $"{exception.Message.TrimEnd('.')}: check the path and the space left.",
        _ => exception.Message,
    };
}
